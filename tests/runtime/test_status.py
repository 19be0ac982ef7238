"""The status of a stack as its supervisor, or without one its journal, reports it."""

import os
import socket

import pytest

from novaflow.adapters.storage import StackLock
from novaflow.errors import SupervisorUnresponsive, UsageError
from novaflow.events.types import ServiceState, StackState
from novaflow.runtime import status as module
from novaflow.runtime.preflight import require_no_supervisor
from novaflow.runtime.status import has_crashed, is_ready, query_status, query_supervisor, read_status
from tests.support.supervisors import NO_STATUS, ScriptedSupervisor, supervising
from tests.support.toy_stack import ToyStack, service_is, stack_is


async def test_a_supervisor_reports_its_status(toy: ToyStack) -> None:
    """It has priority over the journal."""
    toy.append(stack_is(StackState.STARTING))
    async with supervising(ScriptedSupervisor(toy)):
        assert await query_status(toy.open()) == NO_STATUS


@pytest.mark.parametrize(("state", "expected"), [("ready", True), ("degraded", False), ("starting", False)])
async def test_only_a_ready_stack_is_ready(toy: ToyStack, state: str, expected: bool) -> None:  # noqa: FBT001
    """A degraded one has services that are down."""
    async with supervising(ScriptedSupervisor(toy, {**NO_STATUS, "state": state})):
        assert await is_ready(toy.open()) is expected


async def test_a_stack_without_supervisor_is_not_ready(toy: ToyStack) -> None:
    """Its journal may end with `ready`."""
    toy.crash()
    assert await query_supervisor(toy.open()) is None
    assert not await is_ready(toy.open())


async def test_a_command_that_holds_the_lock_is_no_supervisor(toy: ToyStack) -> None:
    """It serves no socket, so the journal is read."""
    toy.append(stack_is(StackState.STARTING), stack_is(StackState.STOPPED, "as requested"))
    with StackLock(toy.paths.lock, "install"):
        found = await query_status(toy.open())
    assert (found["state"], found["reason"]) == ("stopped", "as requested")


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        ("ready", "`novaflow clean` stops it"),
        ("starting", "wait until it is ready, which `novaflow status` shows; `novaflow clean` stops it"),
    ],
)
async def test_a_second_start_is_refused(toy: ToyStack, state: str, advice: str) -> None:
    """The message has the state, the time and what to do; without a supervisor there is none."""
    await require_no_supervisor(toy.open())
    async with supervising(ScriptedSupervisor(toy, {**NO_STATUS, "state": state})):
        with pytest.raises(UsageError, match=rf"^nova is {state} since 2026-11-22T09:12:00Z; {advice}$"):
            await require_no_supervisor(toy.open())


@pytest.mark.slow
async def test_a_supervisor_that_does_not_answer_has_failed(toy: ToyStack) -> None:
    """The reason has its pid, the socket, the time it had and what to do; the services are those of the journal."""
    toy.append(stack_is(StackState.STARTING), service_is("web", ServiceState.READY))
    toy.paths.run.mkdir()
    expected = (
        f"the supervisor (pid {os.getpid()}) does not answer on {toy.paths.control} within 5 s; the services continue;"
        f" if it stays so, end it with `kill -9 {os.getpid()}`, then adopt the services with `novaflow up`"
    )
    with StackLock(toy.paths.lock, "run"), socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(toy.paths.control))
        listener.listen()
        found = await query_status(toy.open())
        with pytest.raises(SupervisorUnresponsive) as raised:
            await query_supervisor(toy.open(NOVAFLOW_TIMEOUT_FACTOR="1.2"))
    assert (found["state"], found["reason"]) == ("failed", expected)
    assert [service["name"] for service in found["services"]] == ["web"]
    assert (str(raised.value), raised.value.exit_code) == (expected.replace("5 s", "6 s"), 3)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (StackState.STARTING, True),
        (StackState.READY, True),
        (StackState.DEGRADED, True),
        (StackState.STOPPING, True),
        (StackState.STOPPED, False),
        (StackState.FAILED, False),
    ],
)
def test_a_journal_that_ends_while_services_run_means_a_crash(toy: ToyStack, state: StackState, expected: bool) -> None:  # noqa: FBT001
    """The caller knows that no supervisor runs."""
    toy.append(stack_is(StackState.STARTING), stack_is(state))
    assert has_crashed(toy.open()) is expected


def test_a_stack_without_journal_has_not_crashed(toy: ToyStack) -> None:
    """Its status is that of a stack that was never run."""
    assert not has_crashed(toy.open())
    assert read_status(toy.open()).reason == "never run"


@pytest.mark.slow
def test_a_long_run_is_read_from_its_beginning(toy: ToyStack) -> None:
    """Its first event, which names the run, is older than the events that are read first."""
    toy.append(stack_is(StackState.STARTING), service_is("web", ServiceState.READY))
    toy.append(*(service_is("worker", ServiceState.READY) for _ in range(module.LOOK_BACK)))
    found = read_status(toy.open())
    assert (found.run_id, found.state, sorted(found.services)) == ("r1", StackState.STARTING, ["web", "worker"])
