"""`novaflow events`: from a broker, and without one."""

import json
from pathlib import Path

import pytest

from novaflow.adapters.journal import Journal
from novaflow.errors import UsageError
from novaflow.model.event import ServiceChanged, ServiceState, StepChanged, StepState
from tests.toys import Novaflow


@pytest.fixture(autouse=True)
def journal(stack: Path) -> None:
    """Have three things happen on the stack."""
    journal = Journal(stack / "journal.jsonl", source="/novaflow/here/nova")
    for state in (StepState.STARTED, StepState.SUCCEEDED):
        journal.append(StepChanged(name="toy.create", state=state, workflow="run", component="toy", because="asked for"), "r1")
    ready = ServiceChanged(
        name="toy", state=ServiceState.READY, workflow="run", component="toy", because="answered\nin two lines", duration_s=0.25
    )
    journal.append(ready, "r1")
    journal.close()


def test_without_a_broker_the_journal_is_read_and_that_is_said(call: Novaflow) -> None:
    """What happened is there even when the stack is down."""
    result = call("events")
    assert [line.split()[2:6] for line in result.stdout.splitlines()] == [
        ["1", "step", "toy.create", "started"],
        ["2", "step", "toy.create", "succeeded"],
        ["3", "service", "toy", "ready"],
    ]
    assert result.stdout.splitlines()[2].endswith("ready     answered (0.25 s)")
    assert "no broker, so this is the journal" in result.stderr


def test_programs_get_a_cloudevent_a_line(call: Novaflow) -> None:
    """With --json nothing else is on standard output."""
    events = [json.loads(line) for line in call("events", "--json").stdout.splitlines()]
    assert [(event["specversion"], event["sequence"], event["type"]) for event in events] == [
        ("1.0", "0000000001", "novaflow.step.started"),
        ("1.0", "0000000002", "novaflow.step.succeeded"),
        ("1.0", "0000000003", "novaflow.service.ready"),
    ]


@pytest.mark.parametrize(
    ("arguments", "sequences"),
    [
        (["--kind", "service"], [3]),
        (["--name", "toy*", "--kind", "step"], [1, 2]),
        (["--state", "ready", "--state", "started"], [1, 3]),
        (["--pattern", "nova.step.toy-create.*"], [1, 2]),
        (["--since", "2"], [2, 3]),
        (["--since", "99"], []),
        (["--since", "1h"], [1, 2, 3]),
        (["--since", "2100-01-01"], []),
    ],
)
def test_events_are_chosen(call: Novaflow, arguments: list[str], sequences: list[int]) -> None:
    """By kind, name, state, routing key, number and time."""
    assert [int(json.loads(line)["sequence"]) for line in call("events", "--json", *arguments).stdout.splitlines()] == sequences


def test_a_beginning_that_is_none_is_refused(call: Novaflow) -> None:
    """The message says what would have been one."""
    result = call("events", "--since", "yesterday")
    assert isinstance(result.exception, UsageError)
    assert "found 'yesterday'" in str(result.exception)


def test_credentials_of_another_shape_are_refused(call: Novaflow, stack: Path) -> None:
    """A file somebody edited is named, with what it should hold."""
    (stack / "credentials").mkdir()
    (stack / "credentials/events.json").write_text("[]")
    assert 'expected {"url": …, "exchange": …}' in str(call("events").exception)
