"""What a watcher sees: plain lines in a file, a living picture on a terminal."""

import io
import re
from datetime import UTC, datetime

import pytest

from novaflow.adapters.terminal.progress import Progress
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
    """A stream that takes itself for a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def record(event: Event) -> EventRecord:
    """Return the event as the journal would hold it."""
    return EventRecord(id="1", sequence=1, time=datetime(2026, 11, 22, tzinfo=UTC), source="/novaflow/here/nova", run_id="r1", event=event)


def a_step(state: StepState, reason: str = "done", duration_s: float | None = None) -> EventRecord:
    """Return an event of a step."""
    return record(StepChanged(name="web.fetch", state=state, workflow="run", component="web", reason=reason, duration_s=duration_s))


def a_service(state: ServiceState, reason: str = "answered") -> EventRecord:
    """Return what a service told."""
    return record(ServiceChanged(name="web", state=state, workflow="run", component="web", reason=reason, duration_s=1.25))


def shown(*events: EventRecord) -> list[str]:
    """Return the lines shown of these, without the time in front."""
    stream = io.StringIO()
    with Progress(stream) as progress:
        for event in events:
            progress.show(event)
    return [re.sub(r"^ *[0-9.]+ ", "", line) for line in stream.getvalue().splitlines()]


def test_what_is_settled_is_a_line() -> None:
    """A start is none: it is told when it is over."""
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
def test_marks_say_how_it_went(event: EventRecord, line: str) -> None:
    """One mark for each state, for those who see no colours."""
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
    """A service that exits fails next, and only the failure shows the last lines of its log."""
    exited, failed = (
        record(ServiceChanged(name="web", state=state, workflow="run", component="web", reason="web exited with 1", log_tail="bye"))
        for state in (ServiceState.EXITED, ServiceState.FAILED)
    )
    assert shown(exited, failed) == [
        "  ▼ web                            exited              web exited with 1",
        "  ✘ web                            failed              web exited with 1",
        "      bye",
    ]


def test_a_workflows_end_and_the_stacks_state_are_lines() -> None:
    """Its start is none."""
    started, ended = (
        record(WorkflowChanged(name="run", state=state, reason="every node is up", duration_s=2.0))
        for state in (WorkflowState.STARTED, WorkflowState.SUCCEEDED)
    )
    ready = record(StackChanged(name="nova", state=StackState.READY, reason="all answer"))
    assert shown(started, ended, ready) == ["run succeeded in 2.0 s: every node is up", "nova is ready: all answer"]


def test_without_a_terminal_nothing_moves() -> None:
    """No escape sequence is in a log."""
    stream = io.StringIO()
    with Progress(stream) as progress:
        progress.show(a_step(StepState.STARTED))
        progress.note("web.fetch", "half of it", 0.5)
    assert stream.getvalue() == ""


def test_a_long_step_is_noted_now_and_then() -> None:
    """In plain lines a note is shown when it is due, once, with how far it is."""
    stream = io.StringIO()
    progress = Progress(stream, note_every_s=0)
    progress.note("web.fetch", "not running", 0.1)
    progress.show(a_step(StepState.STARTED))
    for text in ("half of it", "half of it", "all of it"):
        progress.note("web.fetch", text, 0.5)
    assert [line.split("web.fetch")[1].split() for line in stream.getvalue().splitlines()] == [
        ["50%", "half", "of", "it"],
        ["50%", "all", "of", "it"],
    ]


async def test_on_a_terminal_what_runs_is_seen_running() -> None:
    """With its note, while it runs; when it is over it is a line as anywhere."""
    stream = Terminal()
    with Progress(stream) as progress:
        progress.show(a_step(StepState.STARTED))
        progress.note("web.fetch", "half of it", None)
        await wait_until(lambda: "half of it" in stream.getvalue())
        assert "◌ web.fetch" in stream.getvalue()
        progress.show(a_step(StepState.SUCCEEDED))
        assert "✔ web.fetch" in stream.getvalue()
