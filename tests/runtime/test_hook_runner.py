"""The user's commands for the states of a stack."""

import anyio
import pytest

from novaflow.events.types import Event, ServiceState, StackState, StepState
from novaflow.runtime.hook_runner import HookRunner
from tests.support.programs import WITHIN_S
from tests.support.toy_stack import ToyStack, service_is, stack_is


async def run_hooks(toy: ToyStack, *events: Event, **settings: str) -> list[Event]:
    """Take events, run the commands that they call for, and return the published results."""
    hooks, published = HookRunner(toy.open(**settings)), list[Event]()
    toy.append(*events)
    toy.paths.log.mkdir()
    toy.paths.run.mkdir()
    for record in toy.records:
        hooks.queue_hook(record)
    hooks.close()
    with anyio.fail_after(WITHIN_S):
        await hooks.run(published.append)
    return published


async def test_commands_run_in_the_order_of_their_events(toy: ToyStack) -> None:
    """Each gets its event on standard input, and its result is published."""
    published = await run_hooks(
        toy,
        stack_is(StackState.READY),
        stack_is(StackState.FAILED),
        NOVAFLOW_ON_READY="cat >> ../ready",
        NOVAFLOW_ON_FAILED="cat ../ready > ../failed",
    )
    assert [(event.name, event.state) for event in published] == [
        ("hook.on-ready", StepState.SUCCEEDED),
        ("hook.on-failed", StepState.SUCCEEDED),
    ]
    assert '"novaflow.stack.ready"' in (toy.folder / "failed").read_text()


async def test_a_failed_command_is_only_reported(toy: ToyStack) -> None:
    """The reason has the exit code; the next command still runs."""
    published = await run_hooks(toy, stack_is(StackState.READY), stack_is(StackState.READY), NOVAFLOW_ON_READY="exit 7")
    assert [event.state for event in published] == [StepState.FAILED, StepState.FAILED]
    assert "7" in published[0].reason


@pytest.mark.parametrize("event", [stack_is(StackState.STARTING), stack_is(StackState.DEGRADED), service_is("web", ServiceState.READY)])
async def test_other_events_call_for_nothing(toy: ToyStack, event: Event) -> None:
    """Only the states ready and failed of the stack have commands."""
    assert await run_hooks(toy, event, NOVAFLOW_ON_READY="true", NOVAFLOW_ON_FAILED="true") == []


async def test_without_commands_nothing_runs(toy: ToyStack) -> None:
    """The settings are empty by default."""
    assert await run_hooks(toy, stack_is(StackState.READY)) == []
