"""`novaflow branch`: the arguments that the workflow gets."""

from pathlib import Path

import pytest

from tests.support.toy_stack import Novaflow, ToyStack


@pytest.fixture(autouse=True)
def workflow(toy: ToyStack) -> None:
    """Add a workflow `branch` whose step reports its arguments."""
    toy.add_step("branch", "return f\"from [{ctx.arguments['source']}] force [{ctx.arguments['force']}]\"")


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        ([], "from [] force []"),
        (["https://example.org/nova#stable"], "from [https://example.org/nova#stable] force []"),
        (["lp:nova", "--force"], "from [lp:nova] force [1]"),
        (["pypi:nova==34.0.0"], "from [pypi:nova==34.0.0] force []"),
    ],
)
def test_the_workflow_gets_source_and_force(novaflow: Novaflow, arguments: list[str], reported: str) -> None:
    """An address is passed on as it is; without one, the workflow has a default."""
    ended = novaflow("branch", *arguments)
    assert (ended.code, ended.err) == (0, "")
    assert reported in ended.out


def test_a_local_folder_becomes_an_absolute_path(novaflow: Novaflow, tmp_path: Path) -> None:
    """A relative path means the folder of the user, whatever the current folder of the step is."""
    (tmp_path / "mine").mkdir()
    assert f"from [{tmp_path}/mine]" in novaflow("branch", "mine").out


def test_a_failed_fetch_is_an_error(novaflow: Novaflow, toy: ToyStack) -> None:
    """The exit code is 3, and the lock is released for the next attempt."""
    toy.add_step("branch", 'raise StepFailed("no such branch")')
    assert [novaflow("branch", "lp:nova").code for _ in range(2)] == [3, 3]
