"""Progress: plain lines in a file, a live display on a terminal."""

import io
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import anyio
import pytest

from novaflow.adapters.terminal import Progress
from novaflow.events.record import EventRecord
from novaflow.events.types import (
    DiskChanged,
    DiskState,
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


def test_a_change_of_the_disk_is_a_line() -> None:
    """It says how much is free."""
    low, ok = (record(DiskChanged(name="nova", state=state, reason="400 MiB are free", free_mib=400)) for state in DiskState)
    assert shown(low, ok) == ["disk is low: 400 MiB are free", "disk is ok: 400 MiB are free"]


@pytest.mark.parametrize("state", [state for state in StackState if state is not StackState.READY])
def test_each_state_of_a_stack_is_a_line(state: StackState) -> None:
    """The reason follows."""
    assert shown(record(StackChanged(name="nova", state=state, reason="requested"))) == [f"nova is {state.value}: requested"]


def test_an_execution_without_a_duration_took_no_time() -> None:
    """It was cancelled before it began."""
    ended = WorkflowChanged(name="run", state=WorkflowState.CANCELLED, reason="interrupted")
    assert shown(record(ended)) == ["run cancelled in 0.0 s: interrupted"]


def test_a_restarted_step_begins_anew() -> None:
    """Progress of a step that is done is not shown, until it is started again."""
    stream = io.StringIO()
    progress = Progress(stream, note_every_s=0)
    for state in (StepState.STARTED, StepState.SUCCEEDED):
        progress.show(a_step(state))
    progress.show_progress("web.fetch", "too late", None)
    progress.show(a_step(StepState.STARTED))
    progress.show_progress("web.fetch", "again", None)
    assert [line.split()[-1] for line in stream.getvalue().splitlines()] == ["done", "again"]


def test_lines_are_written_at_once() -> None:
    """A reader of a pipe sees an event when it happens, not when a buffer is full."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as received, os.fdopen(writer, "w") as stream:
        Progress(stream).show(a_step(StepState.SUCCEEDED))
        assert received.read(1000).endswith(b"done\n")


def work(stream: TextIO, done: list[int], error: Exception | None = None) -> None:
    """Show three events, count them in ``done``, and fail with the error."""
    with Progress(stream) as progress:
        for number in range(3):
            progress.show(a_step(StepState.SUCCEEDED))
            done.append(number)
        if error:
            raise error


def test_a_full_disk_does_not_stop_the_work() -> None:
    """Each event is accepted; the error is raised at the end, when the work is done."""
    done: list[int] = []
    with Path("/dev/full").open("w") as stream, pytest.raises(OSError, match="No space left on device"):
        work(stream, done)
    assert done == [0, 1, 2]


def test_an_error_of_the_work_has_priority() -> None:
    """The error of the output is not raised instead."""
    with Path("/dev/full").open("w") as stream, pytest.raises(LookupError):
        work(stream, [], LookupError())


def test_a_reader_that_has_ended_is_no_error() -> None:
    """As with `novaflow up | head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    done: list[int] = []
    with os.fdopen(writer, "w") as stream:
        work(stream, done)
    assert done == [0, 1, 2]


def test_a_line_is_cut_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal shows each event in one line; a file has the whole reason."""
    monkeypatch.setenv("COLUMNS", "60")
    long = a_step(StepState.SUCCEEDED, "x" * 200)
    assert shown(long)[0].endswith("x" * 200)
    stream = Terminal()
    with Progress(stream) as progress:
        progress.show(long)
        lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).strip("\r") for line in stream.getvalue().splitlines()]
    (line,) = (line for line in lines if "web.fetch" in line)
    assert len(line) == 60
    assert line.endswith("…")


async def test_the_user_leaves_with_a_signal() -> None:
    """Without a dashboard there are no keys: it waits until it is cancelled, and does not leave by itself."""
    left: list[bool] = []
    with Progress(io.StringIO()) as progress, anyio.move_on_after(0) as scope:
        await progress.interact(lambda: left.append(True))
    assert (scope.cancelled_caught, left) == (True, [])
