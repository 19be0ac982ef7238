"""Runs a workflow beside the services that are up, in their supervisor, and shows what it does."""

import sys
from collections.abc import Mapping
from typing import Any

import anyio
from anyio.abc import TaskStatus

from novaflow.adapters.control.client import Control
from novaflow.adapters.storage.journal import follow_journal, last_record
from novaflow.adapters.terminal.progress import Progress
from novaflow.errors import RunError
from novaflow.events.types import WorkflowChanged
from novaflow.runtime.stack import Stack

LAST_LOOK_S = 1.0  # the answer may come before the last event was read
NOTES_EVERY_S = 0.5  # between two looks at how far running steps are


def run_in_supervisor(stack: Stack, workflow: str) -> None:
    """Run a workflow beside the services that are up, to its end, and show what it does.

    Raises: UsageError, if the stack is not up; RunError, with what failed and why.
    """
    with Progress(sys.stdout) as progress:
        result = anyio.run(_conduct_in_supervisor, stack, workflow, progress)
    if failures := result["failures"]:
        raise RunError("\n".join(f"{workflow} failed: {node}: {why}" for node, why in failures.items()))


async def _conduct_in_supervisor(stack: Stack, workflow: str, progress: Progress) -> Mapping[str, Any]:
    last = last_record(stack.paths.journal)
    control = Control(stack.paths.control)
    result: Mapping[str, Any] = {}
    async with anyio.create_task_group() as tasks:
        shown = await tasks.start(_show_run, stack, workflow, progress, last.sequence if last else 0)
        tasks.start_soon(_show_notes, control, progress)
        result = await control.run(workflow)
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
    async for record in follow_journal(stack.paths.journal, after=after):
        ends = isinstance(record.event, WorkflowChanged) and record.event.name == workflow
        if ends and not run_id:
            run_id = record.run_id
        elif record.run_id == run_id:
            progress.show(record)
            if ends:
                shown.set()


async def _show_notes(control: Control, progress: Progress) -> None:
    """Show how far steps are: of what is no change of state there are no events."""
    while True:
        for node, note in ((await control.status()) or {"notes": {}})["notes"].items():
            progress.note(node, note["text"], note["fraction"])
        await anyio.sleep(NOTES_EVERY_S)
