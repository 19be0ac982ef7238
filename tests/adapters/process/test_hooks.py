"""Hooks: a command of the user's own, told of the event, bounded, and no danger to the run."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from novaflow.adapters.process.hooks import Hooks
from novaflow.adapters.process.process_ownership import ProcessOwner
from novaflow.events.record import EventRecord
from novaflow.events.types import StackChanged, StackState, StepState, WorkflowChanged, WorkflowState


def record(event: StackChanged | WorkflowChanged) -> EventRecord:
    """Return the event as the journal would."""
    return EventRecord(id="01J", sequence=7, time=datetime(2026, 11, 22, tzinfo=UTC), source="/novaflow/host/nova", run_id="r", event=event)


READY = record(StackChanged(name="nova", state=StackState.READY, reason="all is up"))


@pytest.fixture
def hooks(owner: ProcessOwner, tmp_path: Path) -> Hooks:
    """Return hooks that may take half a second."""
    environment = {"PATH": "/usr/bin:/bin"}
    return Hooks({StackState.READY: "true"}, owner, environment, cwd=tmp_path, output=tmp_path / "hooks.log", within_s=0.5)


def test_only_its_own_event_calls_for_a_command(hooks: Hooks) -> None:
    """A stack that got ready does; one that stopped, and a workflow, do not."""
    assert hooks.command_for(READY) == "true"
    assert hooks.command_for(record(StackChanged(name="nova", state=StackState.STOPPED, reason="x"))) is None
    assert hooks.command_for(record(WorkflowChanged(name="run", state=WorkflowState.STARTED, reason="x"))) is None


async def test_a_command_gets_the_event_on_its_standard_input(hooks: Hooks, tmp_path: Path) -> None:
    """It is a shell command, and reads one line of JSON."""
    ended = await hooks.run(READY, "cat > got && echo thanks")
    assert (ended.name, ended.state, ended.reason) == ("hook.on-ready", StepState.SUCCEEDED, "cat > got && echo thanks ended well")
    assert (tmp_path / "got").read_bytes() == READY.encode() + b"\n"
    assert (tmp_path / "hooks.log").read_text() == "thanks\n"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("echo no >&2; exit 3", "echo no >&2; exit 3 ended with exit code 3: no"),
        ("nosuchprogram", "nosuchprogram ended with exit code 127: /bin/sh: 1: nosuchprogram: not found"),
        ("sleep 60", "sleep 60 did not end within 0.5 s, and was ended"),
    ],
)
async def test_a_failure_is_an_event_and_no_more(hooks: Hooks, command: str, reason: str) -> None:
    """Whatever a command does, the run goes on."""
    ended = await hooks.run(READY, command)
    assert (ended.state, ended.reason) == (StepState.FAILED, reason)


async def test_a_folder_that_is_gone_is_told(hooks: Hooks, tmp_path: Path) -> None:
    """Even the start of a command may fail."""
    (tmp_path / "hooks.log").mkdir()
    ended = await hooks.run(READY, "true")
    assert ended.state is StepState.FAILED
    assert ended.reason.startswith("true could not be run: ")
