"""`verify`: boots a server on the stack that is up, pings it, deletes it."""

import sys
from collections.abc import Mapping
from typing import Any

import anyio
import click
from anyio.abc import TaskStatus

from novaflow.adapters.control import Control
from novaflow.adapters.journal import follow_journal, last_recorded
from novaflow.adapters.progress import Progress
from novaflow.cli.stack import Stack, stack_arguments
from novaflow.errors import RunError
from novaflow.model.event import WorkflowChanged

NAME = "verify"
LAST_LOOK_S = 1.0  # the answer may come before the last event was read


@click.command("verify")
@stack_arguments
def command(stack: Stack) -> None:
    """Boot a server, ping it, delete it; exit code 3 if any of it fails.

    Example: novaflow verify
    """
    with Progress(sys.stdout) as progress:
        result = anyio.run(conduct_in_supervisor, stack, NAME, progress)
    if result["failures"]:
        message = f"{NAME} failed: {', '.join(result['failures'])}"
        raise RunError(message)


async def conduct_in_supervisor(stack: Stack, workflow: str, progress: Progress) -> Mapping[str, Any]:
    """Run a workflow beside the services that are up, show what it does, and return its result.

    Raises: UsageError, if the stack is not up.
    """
    last = last_recorded(stack.paths.journal)
    result: Mapping[str, Any] = {}
    async with anyio.create_task_group() as tasks:
        shown = await tasks.start(_show_run, stack, workflow, progress, last.sequence if last else 0)
        result = await Control(stack.paths.control).conduct(workflow)
        with anyio.move_on_after(LAST_LOOK_S):
            await shown.wait()
        tasks.cancel_scope.cancel()
    return result


async def _show_run(
    stack: Stack, workflow: str, progress: Progress, after: int, *, task_status: TaskStatus[anyio.Event] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Show the next execution of a workflow; the event handed over at the start is set when its end has been shown."""
    shown = anyio.Event()
    task_status.started(shown)
    run_id = ""
    async for recorded in follow_journal(stack.paths.journal, after=after):
        ends = isinstance(recorded.event, WorkflowChanged) and recorded.event.name == workflow
        if ends and not run_id:
            run_id = recorded.run_id
        elif recorded.run_id == run_id:
            progress.show(recorded)
            if ends:
                shown.set()
