"""Progress: plain lines in a file, a live display on a terminal."""

import io
import re
from datetime import UTC, datetime

import pytest

from novaflow.adapters.terminal import Progress
from novaflow.events.record import EventRecord
from novaflow.events.types import (
    Event,
    ServiceChanged,
    ServiceState,
    StackChanged,
    StackState,
    StepChanged,
    StepState,
    WorkflowChanged,
    WorkflowState,
)
from tests.support.programs import wait_until


class Terminal(io.StringIO):
    """A stream that reports a terminal."""

    def isatty(self) -> bool:
        """Return ``True``."""
        return True


def record(event: Event) -> EventRecord:
    """Return the event as the journal records it."""
    return EventRecord(id="1", sequence=1, time=datetime(2026, 11, 22, tzinfo=UTC), source="/novaflow/here/nova", run_id="r1", event=event)


def a_step(state: StepState, reason: str = "done", duration_s: float | None = None) -> EventRecord:
    """Return an event of a step."""
    return record(StepChanged(name="web.fetch", state=state, workflow="run", component="web", reason=reason, duration_s=duration_s))


def a_service(state: ServiceState, reason: str = "answered") -> EventRecord:
    """Return an event of a service."""
    return record(ServiceChanged(name="web", state=state, workflow="run", component="web", reason=reason, duration_s=1.25))


def shown(*events: EventRecord) -> list[str]:
    """Return the lines for these events, without their times."""
    stream = io.StringIO()
    with Progress(stream) as progress:
        for event in events:
            progress.show(event)
    return [re.sub(r"^ *[0-9.]+ ", "", line) for line in stream.getvalue().splitlines()]


def test_a_final_state_is_a_line() -> None:
    """The start of a step or a service is not shown."""
    assert shown(a_step(StepState.STARTED), a_step(StepState.SUCCEEDED, "done", 0.5)) == [
        "  ✔ web.fetch                      succeeded    0.5 s  done",
    ]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (a_step(StepState.SKIPPED, "it is there"), "  · web.fetch                      skipped             it is there"),
        (a_service(ServiceState.READY), "  ▲ web                            ready        1.2 s  answered"),
        (a_service(ServiceState.STOPPED), "  ▽ web                            stopped      1.2 s  answered"),
    ],
)
def test_each_state_has_a_mark(event: EventRecord, line: str) -> None:
    """Marks do not depend on colours."""
    assert shown(event) == [line]


def test_a_failure_is_shown_with_its_log_tail() -> None:
    """The last lines of the log follow below the reason."""
    event = StepChanged(
        name="web.fetch",
        state=StepState.FAILED,
        workflow="run",
        component="web",
        reason="sh exited with 1",
        log_tail="no [bold]space[/]\nbye",
    )
    assert shown(record(event)) == [
        "  ✘ web.fetch                      failed              sh exited with 1",
        "      no [bold]space[/]",
        "      bye",
    ]


def test_a_log_tail_is_shown_once() -> None:
    """A service that exits fails next, and only the failure shows the end of its log."""
    exited, failed = (
        record(ServiceChanged(name="web", state=state, workflow="run", component="web", reason="web exited with 1", log_tail="bye"))
        for state in (ServiceState.EXITED, ServiceState.FAILED)
    )
    assert shown(exited, failed) == [
        "  ▼ web                            exited              web exited with 1",
        "  ✘ web                            failed              web exited with 1",
        "      bye",
    ]


def test_the_end_of_a_workflow_and_states_of_the_stack_are_lines() -> None:
    """The start of a workflow is not shown."""
    started, ended = (
        record(WorkflowChanged(name="run", state=state, reason="every node is up", duration_s=2.0))
        for state in (WorkflowState.STARTED, WorkflowState.SUCCEEDED)
    )
    ready = record(StackChanged(name="nova", state=StackState.READY, reason="all answer"))
    assert shown(started, ended, ready) == ["run succeeded in 2.0 s: every node is up", "nova is ready: all answer"]


def test_a_file_contains_no_escape_sequences() -> None:
    """Without a terminal there is no live display."""
    stream = io.StringIO()
    with Progress(stream) as progress:
        progress.show(a_step(StepState.STARTED))
        progress.show_progress("web.fetch", "half of it", 0.5)
    assert stream.getvalue() == ""


def test_long_steps_report_now_and_then() -> None:
    """Without a terminal, a new note is a line when it is due."""
    stream = io.StringIO()
    progress = Progress(stream, note_every_s=0)
    progress.show_progress("web.fetch", "not running", 0.1)
    progress.show(a_step(StepState.STARTED))
    for text in ("half of it", "half of it", "all of it"):
        progress.show_progress("web.fetch", text, 0.5)
    assert [line.split("web.fetch")[1].split() for line in stream.getvalue().splitlines()] == [
        ["50%", "half", "of", "it"],
        ["50%", "all", "of", "it"],
    ]


async def test_running_steps_are_shown_on_a_terminal() -> None:
    """A running step is shown with its note; its end is a line."""
    stream = Terminal()
    with Progress(stream) as progress:
        progress.show(a_step(StepState.STARTED))
        progress.show_progress("web.fetch", "half of it", None)
        await wait_until(lambda: "half of it" in stream.getvalue())
        assert "◌ web.fetch" in stream.getvalue()
        progress.show(a_step(StepState.SUCCEEDED))
        assert "✔ web.fetch" in stream.getvalue()
