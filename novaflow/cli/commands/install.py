"""`install`: everything the machine needs."""

import signal
import sys

import anyio
import click

from novaflow.adapters.storage.lock import StackLock
from novaflow.adapters.terminal.progress import Progress
from novaflow.cli.commands.status import is_up
from novaflow.engine.engine import Outcome
from novaflow.errors import Interrupted, RunError, WorkflowFailed
from novaflow.events.types import WorkflowChanged, WorkflowState
from novaflow.runtime.orchestrator import Orchestrator, new_run_id, open_orchestrator
from novaflow.runtime.preflight import require_machine
from novaflow.runtime.stack import Stack, stack_arguments

WORKFLOWS = ("install", "template")  # in this order; a folder of workflows need not have both


@click.command("install")
@stack_arguments
def command(stack: Stack) -> None:
    """Install everything the machine needs, as far as it is not there.

    Example: sudo novaflow install
    """
    if is_up(stack):
        click.echo(f"{stack.name} is up: everything it needs is installed")
        return
    require_machine(stack, force=True)  # what is unwise is so when services run
    lock = StackLock(stack.paths.lock, "install")
    with Progress(sys.stdout) as progress:
        anyio.run(install, stack, progress)
    lock.release()


async def install(stack: Stack, progress: Progress) -> None:
    """Conduct the workflows that prepare the machine; whoever does holds the stack's lock.

    Raises: WorkflowFailed, naming what failed; Interrupted.
    """
    async with open_orchestrator(stack, [progress.show], progress.note) as orchestrator:
        for name in WORKFLOWS:
            if name in stack.found.workflows:
                await run_in_foreground(orchestrator, name)


async def run_in_foreground(orchestrator: Orchestrator, name: str) -> None:
    """Conduct a workflow to its end; Ctrl-C stops it in order.

    Raises: WorkflowFailed, naming what failed; Interrupted.
    """
    stack = orchestrator.stack
    run_id = new_run_id()
    if reason := stack.workflow(name).already(stack.settings, stack.paths, stack.components):
        orchestrator.bus(run_id).publish(WorkflowChanged(name=name, state=WorkflowState.SUCCEEDED, reason=reason, duration_s=0.0))
        return
    engine = orchestrator.engine(name, run_id)
    caught: list[int] = []

    async def stop_on_signals() -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            async for number in signals:
                caught.append(number)
                engine.stop(f"interrupted by {number.name}")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop_on_signals)
        outcome = await engine.run()
        tasks.cancel_scope.cancel()
    if caught:
        raise Interrupted(caught[0])
    require_good(name, outcome)


def require_good(name: str, outcome: Outcome) -> None:
    """Return if nothing failed; what did was said when it happened.

    Raises: WorkflowFailed; RunError, if it was stopped before its end.
    """
    if outcome.failures:
        raise WorkflowFailed(name, outcome.failures)
    if outcome.cancelled:
        raise RunError(f"{name} was stopped: {outcome.cancelled}")
