"""Runs workflows in this process."""

import signal
from collections.abc import Mapping, Sequence
from functools import partial

import anyio

from novaflow.engine.engine import Engine, Outcome
from novaflow.errors import Interrupted, RunError, WorkflowFailed
from novaflow.events.types import WorkflowChanged, WorkflowState
from novaflow.model.context import NO_ARGUMENTS
from novaflow.runtime.display import Display
from novaflow.runtime.orchestrator import Orchestrator, new_run_id, open_orchestrator
from novaflow.runtime.signals import TERMINATING, call_on_signals
from novaflow.runtime.stack import Stack


async def run_in_foreground(stack: Stack, workflows: Sequence[str], display: Display, arguments: Mapping[str, str] = NO_ARGUMENTS) -> None:
    """Run workflows one after the other; the caller holds the stack's lock. SIGINT, SIGTERM and SIGHUP stop them in order.

    Raises: WorkflowFailed, naming the failed nodes; Interrupted.
    """
    async with open_orchestrator(stack, [display.show], display.show_progress, arguments=arguments) as orchestrator:
        for workflow in workflows:
            await _run_workflow(orchestrator, workflow)


async def _run_workflow(orchestrator: Orchestrator, workflow: str) -> None:
    stack, run_id = orchestrator.stack, new_run_id()
    if reason := stack.workflow(workflow).reason_done(stack.settings, stack.paths, stack.components):
        orchestrator.bus(run_id).publish(WorkflowChanged(name=workflow, state=WorkflowState.SUCCEEDED, reason=reason, duration_s=0.0))
        return
    engine, caught = orchestrator.engine(workflow, run_id), list[signal.Signals]()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call_on_signals, partial(_interrupt, engine, caught), *TERMINATING)
        outcome = await engine.run()
        tasks.cancel_scope.cancel()
    if caught:
        raise Interrupted(caught[0])
    require_success(workflow, outcome)


def _interrupt(engine: Engine, caught: list[signal.Signals], number: signal.Signals) -> None:
    caught.append(number)
    engine.stop(f"interrupted by {number.name}")


def require_success(workflow: str, outcome: Outcome) -> None:
    """Return if every node of the workflow succeeded.

    Raises: WorkflowFailed, naming the failed nodes; RunError, if the workflow was stopped before its end.
    """
    if outcome.failures:
        raise WorkflowFailed(workflow, outcome.failures)
    if outcome.cancelled:
        raise RunError(f"{workflow} was stopped: {outcome.cancelled}")
