"""The unit tests of nova's source tree; a program of the test stands for the test runner."""

from collections.abc import Callable
from pathlib import Path

import pytest

from novaflow.adapters.local import NodeContext
from novaflow.errors import ProgramFailed, StepFailed
from novaflow.model.paths import Paths
from tests.support.contexts import open_context
from tests.support.settings import make_settings
from tests.support.stand_ins import StandIns
from workflows.services.nova.unit_tests import WORKFLOW, run

MakeContext = Callable[..., NodeContext]
PASSED = "{0} nova.tests.unit.test_one.Case.test_a [0.01s] ... ok"
SKIPPED = '{1} nova.tests.unit.test_one.Case.test_b ... SKIPPED: no "libvirt"'
FAILED = "{0} nova.tests.unit.test_two.Case.test_c [1.20s] ... FAILED"


def print_lines(*lines: str, code: int) -> str:
    """Return the script of a test runner that prints these lines."""
    text = "\n".join(lines)
    return f"cat <<'END'\n{text}\nEND\nexit {code}"


async def test_passed_tests_are_counted(make_context: MakeContext, reports: list[tuple[str, float | None]]) -> None:
    """Each line of the runner is progress; skipped ones count as run."""
    ctx = make_context()
    ctx.paths.source.mkdir()
    programs = StandIns(ctx)
    programs.add("stestr", script=print_lines(PASSED, "Totals", SKIPPED, code=0))
    assert await run.body(ctx) == "2 tests passed"
    assert programs.calls == [f"stestr --repo-url {ctx.paths.data}/stestr run"]
    assert [text for text, _ in reports] == [
        "1 run, 0 failed; nova.tests.unit.test_one.Case.test_a",
        "2 run, 0 failed; nova.tests.unit.test_one.Case.test_b",
    ]


async def test_failed_tests_are_listed(make_context: MakeContext) -> None:
    """The error has their number, the log and at most twenty names."""
    ctx = make_context()
    ctx.paths.source.mkdir()
    failed = [FAILED.replace("test_c", f"test_{number}") for number in range(25)]
    StandIns(ctx).add("stestr", script=print_lines(PASSED, *failed, code=1))
    with pytest.raises(StepFailed) as raised:
        await run.body(ctx)
    first, *names = str(raised.value).splitlines()
    assert first == f"25 of 26 tests failed; see {ctx.paths.log}/unit-tests.run.log:"
    assert names == [f"nova.tests.unit.test_two.Case.test_{number}" for number in range(20)]


async def test_a_runner_that_fails_before_the_tests_is_an_error(make_context: MakeContext) -> None:
    """Its output is the reason: a module that cannot be imported."""
    ctx = make_context()
    ctx.paths.source.mkdir()
    StandIns(ctx).add("stestr", script="echo 'Import error: no module named nova'; exit 100")
    with pytest.raises(ProgramFailed, match=r"stestr exited with 100$") as raised:
        await run.body(ctx)
    assert raised.value.log_tail == "Import error: no module named nova"


async def test_selected_tests_are_run_without_a_search(tmp_path: Path) -> None:
    """The search imports all tests of nova."""
    async with open_context(tmp_path, arguments={"tests": "nova.tests.unit.test_one"}) as ctx:
        ctx.paths.source.mkdir()
        programs = StandIns(ctx)
        programs.add("stestr")
        await run.body(ctx)
    assert programs.calls == [f"stestr --repo-url {tmp_path}/data/stestr run --no-discover nova.tests.unit.test_one"]


def test_tests_need_a_source_tree(tmp_path: Path) -> None:
    """The message says how to get one, and how to start without."""
    paths = Paths(tmp_path)
    expected = f"the source tree {tmp_path}/source does not exist; fetch it with `novaflow branch`, or unset TEST"
    assert WORKFLOW.reason_not_ready(make_settings(), paths, ()) == expected
    paths.source.mkdir()
    assert WORKFLOW.reason_not_ready(make_settings(), paths, ()) is None


@pytest.mark.parametrize("test", [False, True])
def test_a_setting_runs_them_before_each_start(tmp_path: Path, test: bool) -> None:  # noqa: FBT001
    """Without TEST=1 only `--test` does."""
    assert WORKFLOW.before_run(make_settings(test=test), Paths(tmp_path)) is test
