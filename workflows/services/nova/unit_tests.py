"""The unit tests that come with Nova's source tree."""

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

TOOLS = Path(__file__).with_suffix(".txt")
SHOWN = 20  # failed tests that are named; all of them are in the log
# As the tree's own tox.ini has it.
ENVIRONMENT = {"OS_STDOUT_CAPTURE": "1", "OS_STDERR_CAPTURE": "1", "OS_TEST_TIMEOUT": "160", "OS_NOVA_DISABLE_EVENTLET_PATCHING": "true"}
RESULT = re.compile(r"^\{\d+\} (?P<test>\S+).* \.\.\. (?P<result>ok|FAILED|SKIPPED)")


@step(within_s=600, pool=ConcurrencyPool.NET)
async def tools(ctx: Context) -> Skipped | str:
    """Install what runs the tests, each release with its hash."""
    wanted, kept = TOOLS.read_text(), ctx.paths.venv / "novaflow-tests.txt"
    if kept.exists() and kept.read_text() == wanted:
        return Skipped("it is there")
    await install_with_uv(ctx, ctx.paths.venv, "--require-hashes", "--requirements", TOOLS)
    await ctx.write(kept, wanted)
    return f"{wanted.count('==')} releases, each with its hash"


@step(needs=("unit-tests.tools",), pool=ConcurrencyPool.CPU, within_s=7200)
async def run(ctx: Context) -> str:
    """Run the tests of the tree: those that were selected, or all of them."""
    results: dict[str, str] = {}

    def take(line: str) -> None:
        if found := RESULT.match(line):
            results[found["test"]] = found["result"]
            failed = [*results.values()].count("FAILED")
            ctx.report(f"{len(results)} run, {failed} failed; {found['test']}")

    repository = ctx.paths.data / "stestr"
    repository.mkdir(parents=True, exist_ok=True)
    # Without a look for all tests there are, which imports all of Nova's, one is run in seconds.
    selected = ("--no-discover", ctx.arguments["tests"]) if ctx.arguments.get("tests") else ()
    try:
        await ctx.run("stestr", "--repo-url", repository, "run", *selected, cwd=ctx.paths.source, env=ENVIRONMENT, on_line=take)
    except ProgramFailed as error:
        failed = [test for test, result in results.items() if result == "FAILED"]
        if not failed:
            raise
        named = "\n".join(failed[:SHOWN])
        log = ctx.paths.log / "unit-tests.run.log"
        raise StepFailed(f"{len(failed)} of {len(results)} tests failed; what they said is in {log}:\n{named}") from error
    return f"{len(results)} tests, none failed"


def _no_tree(_: Settings, paths: Paths, __: tuple[Component, ...]) -> str | None:
    if not paths.source.exists():
        return f"{paths.source} does not exist, and it is what would be tested; fetch it with `novaflow branch`, or leave out TEST"
    return None


def _runs_first(settings: Settings) -> bool:
    return settings.of(NovaSettings).test


WORKFLOW = Workflow("test", "The unit tests of Nova's source tree.", unmet=_no_tree, before_run=_runs_first)

COMPONENT = Component(
    name="unit-tests",
    summary="The unit tests that come with Nova's source tree.",
    parts={"test": (tools, run)},
)
