"""The log of events that does not answer: it is waited for, done without, and made whole when it is back."""

import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from novaflow.adapters.amqp.address import BrokerError, ErrorKind
from novaflow.adapters.amqp.connection import Connection
from novaflow.adapters.amqp.publisher_thread import PublisherThread
from novaflow.adapters.amqp.topology import EventLog, LogState
from novaflow.adapters.storage.journal import Journal
from novaflow.events.types import StepChanged, StepState
from tests.support.brokers import Broker
from tests.support.programs import wait_until

EVENT = StepChanged(name="fetch", state=StepState.STARTED, workflow="install", component="glance", reason="asked for")


class Refusing:
    """A connection over which everything that is tried fails in one way."""

    def __init__(self, kind: ErrorKind) -> None:
        self._trouble = kind

    def trial(self) -> AbstractContextManager[Any]:
        """Fail."""
        raise BrokerError("it is not to be had", kind=self._trouble)


def over(kind: ErrorKind) -> Connection:
    """Return such a connection."""
    return cast("Connection", Refusing(kind))  # of which nothing but this is used


def test_a_log_that_does_not_answer_is_waited_for() -> None:
    """Brokers open their port before their streams are back."""
    with pytest.raises(BrokerError):
        EventLog("x", patience_s=60).declare(over(ErrorKind.ABSENT))


def test_a_log_is_done_without_after_a_while_and_that_is_said_once() -> None:
    """Events do not wait for it for ever."""
    event_log = EventLog("x", patience_s=0)
    with capture_logs() as logs:
        assert [event_log.declare(over(ErrorKind.ABSENT)) for _ in range(3)] == [LogState.MISSING] * 3
    assert [entry["event"] for entry in logs] == ["log.unavailable"]


@pytest.mark.parametrize("kind", [ErrorKind.LASTING, ErrorKind.NOT_PERMITTED])
def test_a_log_that_cannot_be_is_not_waited_for(kind: ErrorKind) -> None:
    """A broker without streams, or one that permits none."""
    assert EventLog("x").declare(over(kind)) is LogState.REFUSED


class Late(EventLog):
    """A log that does not answer the first time it is looked for."""

    def __init__(self, exchange: str) -> None:
        super().__init__(exchange)
        self.looks = 0

    def declare(self, connection: Connection) -> LogState:
        """Look for it."""
        self.looks += 1
        return LogState.MISSING if self.looks == 1 else super().declare(connection)


def carry(folder: Path, broker: Broker, exchange: str, event_log: EventLog) -> tuple[PublisherThread, threading.Thread]:
    """Start a courier on the journal in the folder."""
    publisher_thread = PublisherThread(folder / "journal.jsonl", folder / "cursor", broker.url, exchange, event_log)
    thread = threading.Thread(target=publisher_thread.run, daemon=True)
    thread.start()
    return publisher_thread, thread


@pytest.mark.slow
async def test_a_log_that_comes_back_is_made_whole(broker: Broker, tmp_path: Path) -> None:
    """What passed while it did not answer is sent again: late subscribers see no gap."""
    exchange = "novaflow.events.late"
    journal = Journal(tmp_path / "journal.jsonl", source="/novaflow/host/nova")
    for _ in range(3):
        journal.append(EVENT, "run-1")
    publisher_thread, thread = carry(tmp_path, broker, exchange, EventLog(exchange))
    await wait_until(lambda: publisher_thread.confirmed == 3)
    publisher_thread.leave(0)
    thread.join()
    with broker.channel() as channel:
        channel.queue_unbind(f"{exchange}.log", exchange, "#")
    for _ in range(3):
        journal.append(EVENT, "run-1")
    event_log = Late(exchange)
    publisher_thread, thread = carry(tmp_path, broker, exchange, event_log)
    await wait_until(lambda: publisher_thread.confirmed == 6)
    assert broker.read_log(exchange, 3) == [1, 2, 3]
    broker.control("close_all_connections", "--vhost", "novaflow", "the test wants it")
    await wait_until(lambda: event_log.looks == 2)
    journal.append(EVENT, "run-1")
    publisher_thread.wakeup.set()
    await wait_until(lambda: publisher_thread.confirmed == 7)
    publisher_thread.leave(0)
    thread.join()
    journal.close()
    assert broker.read_log(exchange, 7) == [1, 2, 3, 4, 5, 6, 7]
