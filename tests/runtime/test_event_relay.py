"""Events that are passed on to a function, to a web server and to a service manager, and the file with their address."""

import json
import socket
from pathlib import Path

import anyio
import pytest

from novaflow.errors import UsageError
from novaflow.events.filter import EventFilter
from novaflow.events.record import EventRecord
from novaflow.events.types import ServiceState, StackState, StepState
from novaflow.model.probe import NotYet
from novaflow.runtime.event_query import EventQuery
from novaflow.runtime.event_relay import post_events, write_events
from novaflow.runtime.events_address import EventsAddress, read_events_address
from novaflow.runtime.service_manager import NO_SERVICE_MANAGER, describe_service_manager, report_state
from tests.support.programs import WITHIN_S
from tests.support.rest import RestServer, serve_rest
from tests.support.toy_stack import ToyStack, service_is, stack_is, step_is

PAST = EventQuery(EventFilter(), past=True, future=False)
STEPS = EventQuery(EventFilter(kinds=("step",)), past=True, future=False)


@pytest.fixture(autouse=True)
def journal(toy: ToyStack) -> None:
    """Append three events."""
    toy.append(stack_is(StackState.STARTING), step_is("toy.create", StepState.SUCCEEDED), service_is("web", ServiceState.READY))


def received(rest: RestServer) -> list[str]:
    """Return the names of the events that the server has got, in their order."""
    return [request.body["subject"] for request in rest.requests]


async def post(toy: ToyStack, url: str, query: EventQuery = PAST) -> None:
    """Post the requested events of the stack."""
    with anyio.fail_after(WITHIN_S):
        await post_events(toy.open(), query, url, lambda _: None)


async def test_requested_events_are_written(toy: ToyStack) -> None:
    """The function gets records, in order; it returns because no future events are requested."""
    for query, sequences in ((PAST, [1, 2, 3]), (STEPS, [2])):
        written = list[EventRecord]()
        await write_events(toy.open(), query, written.append, lambda _: None)
        assert [record.sequence for record in written] == sequences


async def test_requested_events_are_posted(toy: ToyStack) -> None:
    """Each is one request, and the next one waits for the answer."""
    with serve_rest() as rest:
        rest.respond("POST", "/hook", {})
        await post(toy, f"{rest.url}/hook")
        assert received(rest) == ["nova", "toy.create", "web"]


async def test_an_event_that_is_refused_does_not_stop_the_others(toy: ToyStack) -> None:
    """The server will never accept it."""
    with serve_rest() as rest:
        rest.respond("POST", "/hook", {}, status=400)
        rest.respond("POST", "/hook", {})
        await post(toy, f"{rest.url}/hook")
        assert received(rest) == ["nova", "toy.create", "web"]


async def test_an_invalid_address_ends_the_relay(toy: ToyStack) -> None:
    """Nothing is posted."""
    toy.paths.credentials.mkdir()
    (toy.paths.credentials / "events.json").write_text("{}")
    with serve_rest() as rest:
        with pytest.raises(UsageError, match=r"events\.json: expected \{\"url\": …, \"exchange\": …\}, found KeyError: 'url'$"):
            await post(toy, f"{rest.url}/hook")
        assert rest.requests == []


def test_the_address_of_a_stack_that_was_never_started_is_unknown(toy: ToyStack) -> None:
    """The file may exist later, so that a reader can wait for it."""
    with pytest.raises(NotYet, match=r"/credentials/events\.json does not exist$"):
        read_events_address(toy.open())


def test_further_fields_of_the_address_are_ignored(toy: ToyStack) -> None:
    """A newer version may add some."""
    toy.paths.credentials.mkdir()
    content = {"url": "amqp://h", "exchange": "novaflow.events", "queue": "q"}
    (toy.paths.credentials / "events.json").write_text(json.dumps(content))
    assert read_events_address(toy.open()) == EventsAddress("amqp://h", "novaflow.events")
    (toy.paths.credentials / "events.json").write_text(json.dumps({"url": "amqps://h/v", "exchange": "e", "cacert": "/srv/ü/ca.pem"}))
    assert read_events_address(toy.open()) == EventsAddress("amqps://h/v?cacertfile=/srv/%C3%BC/ca.pem", "e")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
        (b"[]", "TypeError: list indices must be integers or slices, not str"),
        (b"null", "TypeError: 'NoneType' object is not subscriptable"),
        (b'{"url": "amqp://h"}', "KeyError: 'exchange'"),
        (b"\xff", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_an_invalid_address_is_refused(toy: ToyStack, content: bytes, found: str) -> None:
    """The message has the file, what it has to contain, and what is wrong."""
    toy.paths.credentials.mkdir()
    file = toy.paths.credentials / "events.json"
    file.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        read_events_address(toy.open())
    assert str(raised.value) == f'{file}: expected {{"url": …, "exchange": …}}, found {found}'


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (StackState.STARTING, "STATUS=starting: a reason"),
        (StackState.READY, "READY=1\nSTATUS=ready: a reason"),
        (StackState.DEGRADED, "READY=1\nSTATUS=degraded: a reason"),
        (StackState.STOPPING, "STOPPING=1\nSTATUS=stopping: a reason"),
        (StackState.FAILED, "STOPPING=1\nSTATUS=failed: a reason"),
        (StackState.STOPPED, "STATUS=stopped: a reason"),
    ],
)
def test_a_service_manager_is_informed_of_each_state(toy: ToyStack, tmp_path: Path, state: StackState, message: str) -> None:
    """It shows one line, so that only the first one of the reason is sent; other events are not."""
    toy.append(stack_is(state, "a reason\nand its details"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        manager = describe_service_manager(str(tmp_path / "notify"), None)
        for record in toy.records[1:]:  # without the one that the fixture appends
            report_state(manager, record)
        assert receiver.recv(4096).decode() == message
        with pytest.raises(BlockingIOError):
            receiver.recv(4096)


@pytest.mark.parametrize(("watchdog_us", "watchdog_s"), [(None, None), (0, None), (30_000_000, 30.0), (1, 1e-06)])
def test_the_watchdog_counts_seconds(watchdog_us: int | None, watchdog_s: float | None) -> None:
    """The service manager passes microseconds; 0 means that it has none."""
    assert describe_service_manager("/run/notify", watchdog_us).watchdog_s == watchdog_s
    assert NO_SERVICE_MANAGER.watchdog_s is None
