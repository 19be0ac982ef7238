"""What the supervisor does for requests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from novaflow.errors import ComponentUnknown, UsageError
from novaflow.events.types import WorkflowChanged
from novaflow.plan.commands import ServiceCommand
from novaflow.runtime.broker import open_publisher
from novaflow.runtime.control_handlers import SupervisorHandlers
from novaflow.runtime.live_status import LiveStatus
from novaflow.runtime.orchestrator import open_orchestrator
from tests.support.programs import WITHIN_S
from tests.support.toy_stack import ToyStack


@asynccontextmanager
async def handlers(toy: ToyStack, stops: list[str] | None = None) -> AsyncIterator[SupervisorHandlers]:
    """Return the handlers of a stack whose run has not begun."""
    toy.add_workflow("idle")
    stack = toy.open()
    status = LiveStatus(stack, open_publisher(stack))
    async with open_orchestrator(stack, [status.apply], status.record_progress) as orchestrator:
        engine = orchestrator.engine("idle", "r1")
        yield SupervisorHandlers(orchestrator, engine, status, (list[str]() if stops is None else stops).append)
        engine.stop("the test is over")
        await engine.run()


def executions(toy: ToyStack) -> list[str]:
    """Return the state of each change of the workflow `verify`."""
    events = (record.event for record in toy.records)
    return [str(event.state) for event in events if isinstance(event, WorkflowChanged) and event.name == "verify"]


async def test_a_workflow_is_run_to_its_end(toy: ToyStack) -> None:
    """No node failed."""
    toy.add_workflow("verify", "while_up=True")
    toy.add_step("verify", 'return "fine"')
    async with handlers(toy) as ours:
        assert await ours.run_workflow("verify", {}, anyio.sleep_forever) == {}
    assert executions(toy) == ["started", "succeeded"]


async def test_failed_nodes_are_returned_with_their_errors(toy: ToyStack) -> None:
    """The values are messages for users."""
    toy.add_workflow("verify", "while_up=True")
    toy.add_step("verify", 'raise StepFailed("no answer")')
    async with handlers(toy) as ours:
        assert await ours.run_workflow("verify", {}, anyio.sleep_forever) == {"extra.body": "no answer"}


async def test_one_workflow_runs_once_at_a_time(toy: ToyStack) -> None:
    """A second request waits for the first."""
    toy.add_workflow("verify", "while_up=True")
    toy.add_step("verify", 'return "fine"')
    async with handlers(toy) as ours:
        with anyio.fail_after(WITHIN_S):
            async with anyio.create_task_group() as tasks:
                for _ in range(2):
                    tasks.start_soon(ours.run_workflow, "verify", {}, anyio.sleep_forever)
    assert executions(toy) == ["started", "succeeded"] * 2


async def test_steps_read_the_arguments_of_the_command(toy: ToyStack) -> None:
    """They are those of this execution; the next one has others."""
    toy.add_workflow("verify", "while_up=True")
    toy.add_step("verify", 'raise StepFailed(f"run {dict(ctx.arguments)}")')
    async with handlers(toy) as ours:
        assert await ours.run_workflow("verify", {"tests": "a"}, anyio.sleep_forever) == {"extra.body": "run {'tests': 'a'}"}
        assert await ours.run_workflow("verify", {}, anyio.sleep_forever) == {"extra.body": "run {}"}


async def test_an_interrupted_command_stops_its_workflow(toy: ToyStack) -> None:
    """Only if the workflow declares it; others are completed."""
    toy.add_workflow("verify", "while_up=True, stops_with_request=True")
    toy.add_step("verify", f'await ctx.run("sleep", "{2 * WITHIN_S}")')
    async with handlers(toy) as ours:
        with anyio.fail_after(WITHIN_S):
            await ours.run_workflow("verify", {}, anyio.lowlevel.checkpoint)
    assert executions(toy) == ["started", "cancelled"]


async def test_an_interrupted_command_leaves_other_workflows_running(toy: ToyStack) -> None:
    """`verify` deletes what it has created at its end."""
    toy.add_workflow("verify", "while_up=True")
    toy.add_step("verify", 'return "fine"')
    async with handlers(toy) as ours:
        assert await ours.run_workflow("verify", {}, anyio.lowlevel.checkpoint) == {}
    assert executions(toy) == ["started", "succeeded"]


@pytest.mark.parametrize("name", ["run", "reset"])
async def test_a_workflow_that_disturbs_the_services_is_refused(toy: ToyStack, name: str) -> None:
    """Only those run that are made for it; `run` would start every service twice, `reset` would delete their data."""
    toy.add_step("reset", 'return "deleted"')
    async with handlers(toy) as ours:
        with pytest.raises(UsageError, match=f"workflow '{name}' cannot run while the stack is up"):
            await ours.run_workflow(name, {}, anyio.sleep_forever)
    assert [record for record in toy.records if "extra" in record.event.name] == []


async def test_an_unknown_workflow_is_refused(toy: ToyStack) -> None:
    """The error lists the workflows."""
    async with handlers(toy) as ours:
        with pytest.raises(UsageError, match="there is no workflow 'verfy'"):
            await ours.run_workflow("verfy", {}, anyio.sleep_forever)


async def test_a_command_for_an_unknown_service_is_refused(toy: ToyStack) -> None:
    """The error suggests the closest name."""
    toy.add_services()
    async with handlers(toy) as ours:
        with pytest.raises(ComponentUnknown, match="'web'"):
            await ours.execute_service_command(ServiceCommand.STOP, "wbe")


async def test_a_command_before_the_stack_is_up_is_refused(toy: ToyStack) -> None:
    """Services are controlled when all of them have been up."""
    toy.add_services()
    async with handlers(toy) as ours:
        with pytest.raises(UsageError):
            await ours.execute_service_command(ServiceCommand.RESTART, "web")


async def test_a_stop_is_passed_on(toy: ToyStack) -> None:
    """With the reason of the request."""
    stops = list[str]()
    async with handlers(toy, stops) as ours:
        ours.stop("stop requested")
    assert stops == ["stop requested"]


async def test_status_and_metrics_describe_the_stack(toy: ToyStack) -> None:
    """Metrics are the status in the text format of Prometheus."""
    async with handlers(toy) as ours:
        assert ours.status()["state"] == "stopped"
        assert b"novaflow_" in ours.metrics()
