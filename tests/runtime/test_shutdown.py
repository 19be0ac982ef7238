"""The stop of a stack, with and without a supervisor."""

import os
import re

import pytest

from novaflow.adapters.storage import StackLock, is_locked
from novaflow.errors import StackBusy
from novaflow.events.types import StackState
from novaflow.runtime.shutdown import stop_stack
from novaflow.runtime.status import read_status
from tests.support.supervisors import RecordingDisplay, ScriptedSupervisor, supervising
from tests.support.toy_stack import ToyStack, stack_is


async def test_without_a_stack_nothing_is_stopped(toy: ToyStack) -> None:
    """No folder is created."""
    assert not await stop_stack(toy.open(), RecordingDisplay())
    assert not toy.root.exists()


@pytest.mark.slow
async def test_a_supervisor_is_asked_to_stop(toy: ToyStack) -> None:
    """The clean-up begins when it has released the lock."""
    toy.append(stack_is(StackState.STARTING), stack_is(StackState.STOPPED))
    async with supervising(ScriptedSupervisor(toy)) as supervisor:
        assert await stop_stack(toy.open(), RecordingDisplay())
        assert supervisor.requests == ["stop requested"]
        assert not is_locked(toy.paths.lock)


async def test_what_a_crash_left_is_cleaned_up(toy: ToyStack) -> None:
    """The workflow `clean` runs, the stack is published as stopped, and nothing but the lock stays in its folder of sockets."""
    toy.add_step("clean", 'return "removed"')
    toy.crash()
    (toy.paths.run / "sockets").mkdir()
    (toy.paths.run / "sockets/one").touch()
    display = RecordingDisplay()
    assert await stop_stack(toy.open(), display)
    assert display.events == ["clean started", "extra.body started", "extra.body succeeded", "clean succeeded", "nova stopped"]
    status = read_status(toy.open())
    expected = "the supervisor exited unexpectedly; everything it left was stopped and removed"
    assert (status.state, status.reason) == (StackState.STOPPED, expected)
    assert [*toy.paths.run.iterdir()] == [toy.paths.lock]


async def test_a_stopped_stack_is_not_published_again(toy: ToyStack) -> None:
    """Its journal has the end already."""
    toy.append(stack_is(StackState.STARTING), stack_is(StackState.STOPPED))
    toy.paths.run.mkdir()
    display = RecordingDisplay()
    assert await stop_stack(toy.open(), display)
    assert display.events == []


@pytest.mark.slow
async def test_a_command_at_work_is_not_stopped(toy: ToyStack) -> None:
    """The error names its command, its pid and what to do; its files stay."""
    toy.crash()
    with StackLock(toy.paths.lock, "install"):
        expected = f"{toy.root} is in use by another novaflow process: `novaflow install`, pid {os.getpid()}; wait until it has ended"
        with pytest.raises(StackBusy, match=f"^{re.escape(expected)}$"):
            await stop_stack(toy.open(), RecordingDisplay())
    assert (toy.paths.run / "token").exists()
