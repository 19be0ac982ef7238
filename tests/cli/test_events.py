"""`novaflow events`: from a broker, and without one."""

# ruff: noqa: ASYNC220, PTH109, S603, TID251 - the programs tests start are their own, and nothing else runs meanwhile

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.amqp import Publisher
from novaflow.adapters.storage.journal import Journal
from novaflow.errors import UsageError
from novaflow.events.types import ServiceChanged, ServiceState, StepChanged, StepState
from tests.support.brokers import Broker
from tests.support.toys import Novaflow

SOURCE = f"/novaflow/{os.uname().nodename}/nova"


@pytest.fixture
def anyio_backend() -> str:
    """Use one backend: the command runs its own."""
    return "asyncio"


@pytest.fixture(autouse=True)
def journal(stack: Path) -> None:
    """Have three things happen on the stack."""
    journal = Journal(stack / "journal.jsonl", source=SOURCE)
    for state in (StepState.STARTED, StepState.SUCCEEDED):
        journal.append(StepChanged(name="toy.create", state=state, workflow="run", component="toy", reason="asked for"), "r1")
    ready = ServiceChanged(
        name="toy", state=ServiceState.READY, workflow="run", component="toy", reason="answered\nin two lines", duration_s=0.25
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
    assert "novaflow: broker unreachable; showing the local journal: " in result.stderr


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
        (["--state", "s*"], [1, 2]),
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


def test_a_slip_in_a_state_is_refused(call: Novaflow) -> None:
    """It would match nothing; an instance's states are its cloud's, and pass."""
    assert str(call("events", "--state", "raedy").exception) == "--state raedy: unknown state; did you mean 'ready'?"
    assert call("events", "--state", "create-end").exit_code == 0


def test_credentials_of_another_shape_are_refused(call: Novaflow, stack: Path) -> None:
    """A file somebody edited is named, with what it should hold."""
    (stack / "credentials").mkdir()
    (stack / "credentials/events.json").write_text("[]")
    assert 'expected {"url": …, "exchange": …}' in str(call("events").exception)


@pytest.fixture
async def published(stack: Path, broker: Broker, request: pytest.FixtureRequest) -> Path:
    """Have the stack's events published to a broker, and its credentials say so."""
    exchange = f"novaflow.events.{abs(hash(request.node.nodeid))}"
    (stack / "credentials").mkdir()
    (stack / "credentials/events.json").write_text(json.dumps({"url": broker.url, "exchange": exchange}))
    (stack / "data").mkdir()
    publisher = Publisher(stack / "journal.jsonl", stack / "data/published", broker.url, exchange=exchange)
    publisher.start()
    assert await publisher.drain(10)
    publisher.stop(2)
    return stack


@pytest.mark.usefixtures("published")
async def test_with_a_broker_events_come_from_it(call: Novaflow) -> None:
    """The same events, and not a word about the journal."""
    result = await anyio.to_thread.run_sync(call, "events", "--json")
    assert [json.loads(line)["sequence"] for line in result.stdout.splitlines()] == ["0000000001", "0000000002", "0000000003"]
    assert result.stderr == ""


async def test_what_is_not_published_yet_is_told_as_well(published: Path, call: Novaflow) -> None:
    """Events that wait for the broker come from the journal, behind those it has."""
    journal = Journal(published / "journal.jsonl", source=SOURCE)
    journal.append(StepChanged(name="late", state=StepState.STARTED, workflow="run", component="toy", reason="x"), "r1")
    journal.close()
    result = await anyio.to_thread.run_sync(call, "events", "--json", "--since", "2")
    assert [json.loads(line)["subject"] for line in result.stdout.splitlines()] == ["toy.create", "toy", "late"]


async def test_following_shows_what_happens(published: Path, broker: Broker) -> None:
    """A subscription, from the start and on, until it is interrupted."""
    credentials = json.loads((published / "credentials/events.json").read_text())
    arguments: list[str | Path] = [sys.executable, "-m", "novaflow.cli.main", "events", "--follow", "--from-start", "--json", published]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, env={"PYTHONPATH": os.getcwd(), "PATH": os.defpath}) as program:
        assert program.stdout is not None
        shown = [json.loads(program.stdout.readline())["sequence"] for _ in range(3)]
        journal = Journal(published / "journal.jsonl", source=SOURCE)
        publisher = Publisher(published / "journal.jsonl", published / "data/published", broker.url, exchange=credentials["exchange"])
        journal.append(StepChanged(name="late", state=StepState.STARTED, workflow="run", component="toy", reason="x"), "r1")
        publisher.start()
        shown.append(json.loads(program.stdout.readline())["sequence"])
        publisher.stop(2)
        journal.close()
        program.send_signal(signal.SIGINT)
        assert program.wait(5) == 130
    assert shown == ["0000000001", "0000000002", "0000000003", "0000000004"]


async def test_following_goes_on_without_the_broker(published: Path, broker: Broker) -> None:
    """What a broker does not tell, since it is gone or has it not yet, the journal tells; and no event comes twice."""
    credentials = json.loads((published / "credentials/events.json").read_text())
    arguments: list[str | Path] = [sys.executable, "-m", "novaflow.cli.main", "events", "--follow", "--from-start", "--json", published]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, env={"PYTHONPATH": os.getcwd(), "PATH": os.defpath}) as program:
        assert program.stdout is not None
        shown = [json.loads(program.stdout.readline())["sequence"] for _ in range(3)]
        journal = Journal(published / "journal.jsonl", source=SOURCE)
        late = StepChanged(name="late", state=StepState.STARTED, workflow="run", component="toy", reason="x")
        journal.append(late, "r1")  # and nobody publishes it
        shown.append(json.loads(program.stdout.readline())["sequence"])
        publisher = Publisher(published / "journal.jsonl", published / "data/published", broker.url, exchange=credentials["exchange"])
        publisher.start()
        assert await publisher.drain(10)
        journal.append(late, "r1")
        publisher.wake()
        shown.append(json.loads(program.stdout.readline())["sequence"])
        publisher.stop(2)
        journal.close()
        program.send_signal(signal.SIGINT)
        assert program.wait(5) == 130
    assert shown == [f"{sequence:010d}" for sequence in range(1, 6)]
