"""The stream queue of events: the publisher waits for it, publishes without it, and replays what it lacks."""

import threading
from pathlib import Path
from typing import cast

import pytest
from structlog.testing import capture_logs

from novaflow.adapters.amqp.connection import Connection
from novaflow.adapters.amqp.errors import BrokerError, ErrorKind
from novaflow.adapters.amqp.publisher_thread import PublisherThread
from novaflow.adapters.amqp.topology import StreamQueue, StreamState
from novaflow.adapters.storage import Journal
from novaflow.events.types import StepChanged, StepState
from tests.support.brokers import Broker
from tests.support.programs import wait_until

EVENT = StepChanged(name="fetch", state=StepState.STARTED, workflow="install", component="glance", reason="requested")


class RefusingConnection:
    """A connection over which every declaration fails with the same kind of error."""

    def __init__(self, kind: ErrorKind) -> None:
        self._kind = kind

    def declare_queue(self, *_: object, **__: object) -> None:
        """Fail."""
        raise BrokerError("the queue cannot be declared", kind=self._kind)


def refusing(kind: ErrorKind) -> Connection:
    """Return such a connection."""
    return cast("Connection", RefusingConnection(kind))  # StreamQueue calls nothing else before this fails


def test_an_unavailable_stream_queue_is_waited_for() -> None:
    """Brokers open their port before their stream queues are available."""
    with pytest.raises(BrokerError):
        StreamQueue("x", recovery_s=60).declare(refusing(ErrorKind.NOT_FOUND))


def test_a_stream_queue_that_stays_unavailable_is_logged_once() -> None:
    """Events are published without it."""
    stream = StreamQueue("x", recovery_s=0)
    with capture_logs() as logs:
        assert [stream.declare(refusing(ErrorKind.NOT_FOUND)) for _ in range(3)] == [StreamState.UNAVAILABLE] * 3
    assert [entry["event"] for entry in logs] == ["stream.unavailable"]


@pytest.mark.parametrize("kind", [ErrorKind.PERMANENT, ErrorKind.ACCESS_REFUSED])
def test_a_refused_stream_queue_is_not_waited_for(kind: ErrorKind) -> None:
    """The broker has no stream queues, or the user may not declare one."""
    assert StreamQueue("x").declare(refusing(kind)) is StreamState.REFUSED


class LateStreamQueue(StreamQueue):
    """A stream queue that is unavailable when it is declared for the first time."""

    def __init__(self, exchange: str) -> None:
        super().__init__(exchange)
        self.declarations = 0

    def declare(self, connection: Connection) -> StreamState:
        """Declare it."""
        self.declarations += 1
        return StreamState.UNAVAILABLE if self.declarations == 1 else super().declare(connection)


def start_publisher(folder: Path, broker: Broker, exchange: str, stream: StreamQueue) -> tuple[PublisherThread, threading.Thread]:
    """Start a publisher of the journal in the folder."""
    publisher = PublisherThread(folder / "journal.jsonl", folder / "cursor", broker.url, exchange, stream)
    thread = threading.Thread(target=publisher.run, daemon=True)
    thread.start()
    return publisher, thread


@pytest.mark.slow
async def test_events_published_while_the_stream_queue_was_unavailable_are_replayed(broker: Broker, tmp_path: Path) -> None:
    """Late subscribers see no gap."""
    exchange = "novaflow.events.late"
    journal = Journal(tmp_path / "journal.jsonl", source="/novaflow/host/nova")
    for _ in range(3):
        journal.append(EVENT, "run-1")
    publisher, thread = start_publisher(tmp_path, broker, exchange, StreamQueue(exchange))
    await wait_until(lambda: publisher.confirmed == 3)
    publisher.stop(0)
    thread.join()
    with broker.channel() as channel:
        channel.queue_unbind(f"{exchange}.log", exchange, "#")
    for _ in range(3):
        journal.append(EVENT, "run-1")
    stream = LateStreamQueue(exchange)
    publisher, thread = start_publisher(tmp_path, broker, exchange, stream)
    await wait_until(lambda: publisher.confirmed == 6)
    assert broker.read_log(exchange, 3) == [1, 2, 3]
    broker.control("close_all_connections", "--vhost", "novaflow", "the test wants it")
    await wait_until(lambda: stream.declarations == 2)
    journal.append(EVENT, "run-1")
    publisher.wakeup.set()
    await wait_until(lambda: publisher.confirmed == 7)
    publisher.stop(0)
    thread.join()
    journal.close()
    assert broker.read_log(exchange, 7) == [1, 2, 3, 4, 5, 6, 7]
