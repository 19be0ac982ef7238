"""`novaflow events`: from a broker, and without one."""

# ruff: noqa: S603, TID251 - the programs that tests start are their own, and nothing else runs meanwhile

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.amqp import Publisher
from novaflow.adapters.storage import Journal
from novaflow.events.types import ServiceChanged, ServiceState, StepChanged, StepState
from tests.support.brokers import Broker
from tests.support.toy_stack import Novaflow, ToyStack, step_is

SOURCE = f"/novaflow/{os.uname().nodename}/nova"
LATE = StepChanged(name="late", state=StepState.STARTED, workflow="run", component="toy", reason="x")


@pytest.fixture
def anyio_backend() -> str:
    """Use one backend: the command runs its own."""
    return "asyncio"


@pytest.fixture(autouse=True)
def journal(toy: ToyStack) -> None:
    """Append three events to the stack's journal."""
    ready = ServiceChanged(
        name="toy", state=ServiceState.READY, workflow="run", component="toy", reason="answered\nin two lines", duration_s=0.25
    )
    toy.append(step_is("toy.create", StepState.STARTED), step_is("toy.create", StepState.SUCCEEDED), ready)


def sequences(output: str) -> list[int]:
    """Return the sequence numbers of events printed as JSON."""
    return [int(json.loads(line)["sequence"]) for line in output.splitlines()]


def test_without_a_broker_the_journal_is_read(novaflow: Novaflow) -> None:
    """The events of a stack that is down are shown, with a warning that they are from the journal."""
    ended = novaflow("events")
    assert ended.code == 0
    assert [line.split()[2:6] for line in ended.out.splitlines()] == [
        ["1", "step", "toy.create", "started"],
        ["2", "step", "toy.create", "succeeded"],
        ["3", "service", "toy", "ready"],
    ]
    assert ended.out.splitlines()[2].endswith("ready     answered (0.25 s)")
    assert ended.err.startswith("novaflow: broker unreachable; showing the local journal: ")


def test_programs_get_a_cloudevent_a_line(novaflow: Novaflow) -> None:
    """With --json, nothing else is on standard output."""
    events = [json.loads(line) for line in novaflow("events", "--json").out.splitlines()]
    assert [(event["specversion"], event["sequence"], event["type"]) for event in events] == [
        ("1.0", "0000000001", "novaflow.step.started"),
        ("1.0", "0000000002", "novaflow.step.succeeded"),
        ("1.0", "0000000003", "novaflow.service.ready"),
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], [1, 2, 3]),
        (["--from-start"], [1, 2, 3]),
        (["--kind", "service"], [3]),
        (["--kind", "service", "--kind", "step"], [1, 2, 3]),
        (["--kind", "instance"], []),
        (["--name", "toy*", "--kind", "step"], [1, 2]),
        (["--name", "toy"], [3]),
        (["--state", "ready", "--state", "started"], [1, 3]),
        (["--state", "s*"], [1, 2]),
        (["--pattern", "nova.step.toy-create.*"], [1, 2]),
        (["--since", "2"], [2, 3]),
        (["--since", "99"], []),
        (["--since", "1h"], [1, 2, 3]),
        (["--since", "2100-01-01"], []),
    ],
)
def test_events_are_filtered(novaflow: Novaflow, arguments: list[str], expected: list[int]) -> None:
    """By kind, name, state, routing key, sequence number and time."""
    assert sequences(novaflow("events", "--json", *arguments).out) == expected


def test_an_invalid_beginning_is_refused(novaflow: Novaflow) -> None:
    """The message lists the accepted forms."""
    ended = novaflow("events", "--since", "yesterday")
    expected = "--since: expected a time (2026-11-22T09:12), an age (10m) or a sequence number (42), found 'yesterday'"
    assert (ended.code, ended.out, ended.err) == (2, "", f"novaflow: {expected}\n")


def test_a_misspelt_state_is_refused(novaflow: Novaflow) -> None:
    """It would match no event; the states of an instance are not listed, and every one is accepted."""
    ended = novaflow("events", "--state", "raedy")
    assert (ended.code, ended.err) == (2, "novaflow: --state raedy: unknown state; did you mean 'ready'?\n")
    assert novaflow("events", "--state", "create-end").code == 0


def test_an_unknown_kind_is_refused(novaflow: Novaflow) -> None:
    """The message lists the kinds."""
    ended = novaflow("events", "--kind", "steps")
    assert ended.code == 2
    assert ended.err == "novaflow: unknown event kind 'steps'; the kinds are: stack, workflow, step, service, disk\n"


def test_a_stack_without_a_journal_has_no_events(novaflow: Novaflow, toy: ToyStack) -> None:
    """No folder is created."""
    ended = novaflow("events", "--json", "other")
    assert (ended.code, ended.out) == (0, "")
    assert not (toy.folder / "other").exists()


@pytest.mark.parametrize("content", ["[]", "{}", "{", '{"url": "amqp://x"}'])
def test_invalid_credentials_are_refused(novaflow: Novaflow, toy: ToyStack, content: str) -> None:
    """The message has the file and what it should contain."""
    (toy.root / "credentials").mkdir()
    (toy.root / "credentials/events.json").write_text(content)
    ended = novaflow("events")
    assert (ended.code, ended.out) == (2, "")
    assert f'{toy.root}/credentials/events.json: expected {{"url": …, "exchange": …}}, found ' in ended.err


@pytest.fixture
async def published(toy: ToyStack, broker: Broker, request: pytest.FixtureRequest) -> Path:
    """Publish the stack's events to a broker, whose address is in the stack's credentials; return the stack's folder."""
    exchange = f"novaflow.events.{abs(hash(request.node.nodeid))}"
    (toy.root / "credentials").mkdir()
    (toy.root / "credentials/events.json").write_text(json.dumps({"url": broker.url, "exchange": exchange}))
    toy.paths.data.mkdir()
    publisher = Publisher(toy.paths.journal, toy.paths.data / "published", broker.url, exchange=exchange)
    publisher.start()
    assert await publisher.drain(10)
    publisher.stop(2)
    return toy.root


@pytest.mark.usefixtures("published")
async def test_with_a_broker_events_come_from_it(novaflow: Novaflow) -> None:
    """The events are the same, without a warning."""
    ended = await anyio.to_thread.run_sync(novaflow, "events", "--json")
    assert sequences(ended.out) == [1, 2, 3]
    assert ended.err == ""


async def test_unpublished_events_are_shown_as_well(published: Path, novaflow: Novaflow) -> None:
    """Events that wait for the broker come from the journal, after those of the broker."""
    journal = Journal(published / "journal.jsonl", source=SOURCE)
    journal.append(LATE, "r1")
    journal.close()
    ended = await anyio.to_thread.run_sync(novaflow, "events", "--json", "--since", "2")
    assert [json.loads(line)["subject"] for line in ended.out.splitlines()] == ["toy.create", "toy", "late"]


def follow(stack: Path) -> "subprocess.Popen[bytes]":
    """Start `novaflow events --follow --from-start --json`."""
    arguments: list[str | Path] = [sys.executable, "-m", "novaflow.cli.main", "events", "--follow", "--from-start", "--json", stack]
    root = Path(__file__).parents[2]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=stack.parent, env={"PYTHONPATH": str(root), "PATH": os.defpath})


@pytest.mark.slow
async def test_following_shows_new_events(published: Path, broker: Broker) -> None:
    """Past events are followed by new ones, until a signal ends the command."""
    credentials = json.loads((published / "credentials/events.json").read_text())
    with follow(published) as program:
        assert program.stdout is not None
        shown = [json.loads(program.stdout.readline())["sequence"] for _ in range(3)]
        journal = Journal(published / "journal.jsonl", source=SOURCE)
        publisher = Publisher(published / "journal.jsonl", published / "data/published", broker.url, exchange=credentials["exchange"])
        journal.append(LATE, "r1")
        publisher.start()
        shown.append(json.loads(program.stdout.readline())["sequence"])
        publisher.stop(2)
        journal.close()
        program.send_signal(signal.SIGINT)
        assert program.wait(5) == 130
    assert shown == ["0000000001", "0000000002", "0000000003", "0000000004"]


@pytest.mark.slow
async def test_following_continues_without_the_broker(published: Path, broker: Broker) -> None:
    """An event that the broker does not deliver comes from the journal, and no event comes twice."""
    credentials = json.loads((published / "credentials/events.json").read_text())
    with follow(published) as program:
        assert program.stdout is not None
        shown = [json.loads(program.stdout.readline())["sequence"] for _ in range(3)]
        journal = Journal(published / "journal.jsonl", source=SOURCE)
        journal.append(LATE, "r1")  # and nothing publishes it
        shown.append(json.loads(program.stdout.readline())["sequence"])
        publisher = Publisher(published / "journal.jsonl", published / "data/published", broker.url, exchange=credentials["exchange"])
        publisher.start()
        assert await publisher.drain(10)
        journal.append(LATE, "r1")
        publisher.wake()
        shown.append(json.loads(program.stdout.readline())["sequence"])
        publisher.stop(2)
        journal.close()
        program.send_signal(signal.SIGINT)
        assert program.wait(5) == 130
    assert shown == [f"{sequence:010d}" for sequence in range(1, 6)]
