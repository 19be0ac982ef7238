"""Hooks: the user's commands for states of the stack."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from novaflow.adapters.process import Hooks, ProcessOwner
from novaflow.events.record import EventRecord
from novaflow.events.types import StackChanged, StackState, StepState, WorkflowChanged, WorkflowState


def record(event: StackChanged | WorkflowChanged) -> EventRecord:
    """Return the event as the journal records it."""
    return EventRecord(id="01J", sequence=7, time=datetime(2026, 11, 22, tzinfo=UTC), source="/novaflow/host/nova", run_id="r", event=event)


READY = record(StackChanged(name="nova", state=StackState.READY, reason="all is up"))

MEMORY = 8 << 20  # bytes
LOG_TAIL = 16_384  # characters


@pytest.fixture
def hooks(owner: ProcessOwner, tmp_path: Path) -> Hooks:
    """Return hooks with a time limit of half a second."""
    environment = {"PATH": "/usr/bin:/bin"}
    return Hooks({StackState.READY: "true"}, owner, environment, cwd=tmp_path, output=tmp_path / "hooks.log", within_s=0.5)


def test_an_event_triggers_its_command(hooks: Hooks) -> None:
    """A stack that becomes ready does; one that stops, and a workflow, do not."""
    assert hooks.command_for(READY) == "true"
    assert hooks.command_for(record(StackChanged(name="nova", state=StackState.STOPPED, reason="x"))) is None
    assert hooks.command_for(record(WorkflowChanged(name="run", state=WorkflowState.STARTED, reason="x"))) is None


async def test_a_command_reads_the_event_from_standard_input(hooks: Hooks, tmp_path: Path) -> None:
    """It is a shell command and gets one line of JSON."""
    result = await hooks.run(READY, "cat > got && echo thanks")
    assert (result.name, result.state, result.reason) == ("hook.on-ready", StepState.SUCCEEDED, "cat > got && echo thanks: done")
    assert (tmp_path / "got").read_bytes() == READY.encode() + b"\n"
    assert (tmp_path / "hooks.log").read_text() == "thanks\n"


@pytest.mark.parametrize(
    ("command", "reason", "log_tail"),
    [
        ("echo no >&2; exit 3", "echo no >&2; exit 3: exited with 3", "no"),
        ("nosuchprogram", "nosuchprogram: exited with 127", "/bin/sh: 1: nosuchprogram: not found"),
        ("sleep 60", "sleep 60: not done after 0.5 s", None),
    ],
)
async def test_a_failure_is_published(hooks: Hooks, command: str, reason: str, log_tail: str | None) -> None:
    """The result is an event, with the output of the command as its log tail."""
    result = await hooks.run(READY, command)
    assert (result.state, result.reason, result.log_tail) == (StepState.FAILED, reason, log_tail)


@pytest.fixture
def traced() -> Iterator[None]:
    """Measure the memory that Python allocates."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("filter_output", ["tr '\\0' x", "tr '\\0' x | fold -w 999"], ids=["one line", "many lines"])
async def test_the_output_of_a_command_is_bounded_in_memory(hooks: Hooks, filter_output: str) -> None:
    """A command prints 64 MiB and fails; a few MiB are allocated at a time, and the event has the end of the output."""
    hooks = replace(hooks, within_s=60)
    result = await hooks.run(READY, f"head -c {64 << 20} /dev/zero | {filter_output}; exit 3")
    _, peak = tracemalloc.get_traced_memory()
    assert result.reason.endswith("exited with 3")
    assert peak < MEMORY
    assert result.log_tail is not None
    assert 0 < len(result.log_tail) <= LOG_TAIL


async def test_a_command_that_cannot_start_has_failed(hooks: Hooks, tmp_path: Path) -> None:
    """The output file is a folder."""
    (tmp_path / "hooks.log").mkdir()
    result = await hooks.run(READY, "true")
    assert result.state is StepState.FAILED
    assert result.reason.startswith("true: ")
