"""`novaflow clean` without a supervisor."""

import socket

import pytest

from novaflow.adapters.storage import StackLock
from novaflow.events.types import StackChanged, StackState
from tests.support.toy_stack import Novaflow, ToyStack, describe_failure


def test_without_a_stack_there_is_nothing_to_stop(novaflow: Novaflow, toy: ToyStack) -> None:
    """That is not an error, and no folder is created."""
    ended = novaflow("clean")
    assert (ended.code, ended.out, ended.err) == (0, f"there is no stack in {toy.root}\n", "")
    assert not toy.root.exists()


def test_a_crashed_stack_is_stopped(novaflow: Novaflow, toy: ToyStack) -> None:
    """The workflow `clean` runs, and the event that the supervisor could not publish is published."""
    toy.add_step("clean", 'return "removed two bridges"')
    toy.crash()
    ended = novaflow("clean")
    assert (ended.code, ended.err) == (0, "")
    assert "removed two bridges" in ended.out
    assert toy.records[-1].event == StackChanged(
        name="nova",
        state=StackState.STOPPED,
        reason="the supervisor exited unexpectedly; everything it left was stopped and removed",
    )
    assert novaflow("status").code == 6


def test_a_stopped_stack_publishes_no_second_stop(novaflow: Novaflow, toy: ToyStack) -> None:
    """A second `clean` does its work and publishes nothing about the stack."""
    toy.crash()
    assert [novaflow("clean").code for _ in range(2)] == [0, 0]
    assert [record.event.state for record in toy.records if isinstance(record.event, StackChanged)] == ["starting", "ready", "stopped"]


def test_the_run_folder_is_emptied(novaflow: Novaflow, toy: ToyStack) -> None:
    """Sockets, process ids and tokens are removed; data and logs stay."""
    toy.crash()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(toy.paths.control))
    (toy.paths.run / "pids").mkdir()
    (toy.paths.run / "pids/web.pid").write_text("1 1\n")
    for folder in (toy.paths.data, toy.paths.log):
        folder.mkdir()
        (folder / "kept").touch()
    assert novaflow("clean").code == 0
    assert [path.name for path in toy.paths.run.iterdir()] == ["stack.lock"]
    assert (toy.paths.data / "kept").exists()
    assert (toy.paths.log / "kept").exists()


def test_a_failed_clean_up_is_an_error(novaflow: Novaflow, toy: ToyStack) -> None:
    """The exit code is 3, the message names the step, and the stack is not reported as stopped."""
    toy.add_step("clean", 'raise StepFailed("the bridge is in use")')
    toy.crash()
    ended = novaflow("clean")
    assert (ended.code, ended.err) == (3, describe_failure("clean", "extra.body"))
    assert "the bridge is in use" in ended.out
    assert (toy.paths.run / "token").exists()
    assert novaflow("status").code == 3


@pytest.mark.slow
def test_a_locked_stack_is_left_alone(novaflow: Novaflow, toy: ToyStack) -> None:
    """After a moment, in which a supervisor could exit, the holder of the lock is named: exit code 5."""
    toy.crash()
    with StackLock(toy.paths.lock, "install"):
        ended = novaflow("clean")
    assert ended.code == 5
    assert "`novaflow install`, pid " in ended.err
    assert (toy.paths.run / "token").exists()
