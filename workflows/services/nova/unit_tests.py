"""The unit tests of nova's source tree."""

import re
from pathlib import Path

from novaflow.errors import ProgramFailed, StepFailed
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from novaflow.model.step import ConcurrencyPool, Skipped, step
from novaflow.model.workflow import Workflow
from workflows.platform.python_env import install_with_uv
from workflows.services.nova.settings import NovaSettings

REQUIREMENTS = Path(__file__).with_suffix(".txt")
LISTED = 20  # failed tests in an error message; the log contains all of them
# As in the tree's tox.ini.
ENVIRONMENT = {"OS_STDOUT_CAPTURE": "1", "OS_STDERR_CAPTURE": "1", "OS_TEST_TIMEOUT": "160", "OS_NOVA_DISABLE_EVENTLET_PATCHING": "true"}
RESULT = re.compile(r"^\{\d+\} (?P<test>\S+).* \.\.\. (?P<result>ok|FAILED|SKIPPED)")


@step(within_s=600, pool=ConcurrencyPool.NET)
async def tools(ctx: Context) -> Skipped | str:
    """Install the test runner, each release with its hash."""
    pinned, installed = REQUIREMENTS.read_text(encoding="utf-8"), ctx.paths.venv / "novaflow-tests.txt"
    if installed.exists() and installed.read_text(encoding="utf-8") == pinned:
        return Skipped("the test runner is installed")
    await install_with_uv(ctx, ctx.paths.venv, "--require-hashes", "--requirements", REQUIREMENTS)
    await ctx.write(installed, pinned)
    return f"installed {pinned.count('==')} releases"


@step(needs=("unit-tests.tools",), pool=ConcurrencyPool.CPU, within_s=7200)
async def run(ctx: Context) -> str:
    """Run the selected unit tests of the source tree, or all of them."""
    results: dict[str, str] = {}

    def report(line: str) -> None:
        if found := RESULT.match(line):
            results[found["test"]] = found["result"]
            failed = [*results.values()].count("FAILED")
            ctx.report(f"{len(results)} run, {failed} failed; {found['test']}")

    repository = ctx.paths.data / "stestr"
    repository.mkdir(parents=True, exist_ok=True)
    # Without discovery, which imports all tests of nova, a single test takes seconds.
    selected = ("--no-discover", ctx.arguments["tests"]) if ctx.arguments.get("tests") else ()
    try:
        await ctx.run("stestr", "--repo-url", repository, "run", *selected, cwd=ctx.paths.source, env=ENVIRONMENT, on_line=report)
    except ProgramFailed as error:
        failed = [test for test, result in results.items() if result == "FAILED"]
        if not failed:
            raise
        listed = "\n".join(failed[:LISTED])
        log = ctx.paths.log / "unit-tests.run.log"
        raise StepFailed(f"{len(failed)} of {len(results)} tests failed; see {log}:\n{listed}") from error
    return f"{len(results)} tests passed"


def _has_no_tree(_: Settings, paths: Paths, __: tuple[Component, ...]) -> str | None:
    if not paths.source.exists():
        return f"the source tree {paths.source} does not exist; fetch it with `novaflow branch`, or unset TEST"
    return None


def _runs_first(settings: Settings, _: Paths) -> bool:
    return settings.of(NovaSettings).test


WORKFLOW = Workflow("test", "Run the unit tests of nova's source tree.", reason_not_ready=_has_no_tree, before_run=_runs_first)

COMPONENT = Component(
    name="unit-tests",
    summary="Unit tests of nova's source tree.",
    parts={"test": (tools, run)},
)
