"""Runs a workflow in the supervisor while the services keep running."""

from collections.abc import Mapping
from contextlib import suppress

import anyio

from novaflow.adapters.control.client import ControlClient
from novaflow.errors import NodesFailed, UsageError
from novaflow.events.record import EventRecord
from novaflow.events.types import WorkflowChanged
from novaflow.model.context import NO_ARGUMENTS
from novaflow.runtime.display import Display
from novaflow.runtime.show_events import show_events
from novaflow.runtime.stack import Stack
from novaflow.runtime.status import query_supervisor

NOTES_EVERY_S = 0.5  # between two requests for the progress of running steps


async def run_in_supervisor(stack: Stack, workflow: str, display: Display, arguments: Mapping[str, str] = NO_ARGUMENTS) -> None:
    """Run a workflow in the stack's supervisor to its end; ``arguments`` are what its steps read in addition to settings.

    Raises: UsageError, if the stack is not up; SupervisorUnresponsive; NodesFailed, with each failed node and the reason.
    """
    await query_supervisor(stack)  # a supervisor that hangs would not answer the request, which has no short limit
    control, failures = ControlClient(stack.paths.control, stack.answer_within_s), dict[str, str]()
    refusal: UsageError | None = None
    async with show_events(stack.paths.journal, _WorkflowEvents(workflow, display).show), anyio.create_task_group() as tasks:
        tasks.start_soon(_show_notes, control, display)
        try:
            failures |= await control.run_workflow(workflow, arguments)
        except UsageError as error:
            refusal = error
        tasks.cancel_scope.cancel()
    if refusal:
        raise refusal  # outside of the group, which would wrap it in an ExceptionGroup
    if failures:
        raise NodesFailed("\n".join(f"{workflow} failed: {node}: {reason}" for node, reason in failures.items()), failures)


class _WorkflowEvents:
    """Shows the events of the next execution of one workflow, and no others."""

    def __init__(self, workflow: str, display: Display) -> None:
        self._workflow, self._display = workflow, display
        self._run_id: str | None = None

    def show(self, record: EventRecord) -> None:
        """Show the event if it is one of them; the first one only marks the beginning."""
        if self._run_id is None:
            if isinstance(record.event, WorkflowChanged) and record.event.name == self._workflow:
                self._run_id = record.run_id
        elif record.run_id == self._run_id:
            self._display.show(record)


async def _show_notes(control: ControlClient, display: Display) -> None:
    """Show the progress of running steps, which is not published as events."""
    while True:
        with suppress(TimeoutError):  # the workflow has a limit of its own
            for node, note in ((await control.fetch_status()) or {"notes": {}})["notes"].items():
                display.show_progress(node, note["text"], note["fraction"])
        await anyio.sleep(NOTES_EVERY_S)
