"""The log of events that does not answer: it is waited for, done without, and made whole when it is back."""

import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from novaflow.adapters.amqp.address import BrokerProblem, Trouble
from novaflow.adapters.amqp.courier import Courier
from novaflow.adapters.amqp.link import Link
from novaflow.adapters.amqp.topology import EventLog, LogState
from novaflow.adapters.journal import Journal
from novaflow.model.event import StepChanged, StepState
from tests.brokers import Broker
from tests.programs import wait_until

EVENT = StepChanged(name="fetch", state=StepState.STARTED, workflow="install", component="glance", because="asked for")


class Refusing:
    """A connection over which everything that is tried fails in one way."""

    def __init__(self, trouble: Trouble) -> None:
        self._trouble = trouble

    def trial(self) -> AbstractContextManager[Any]:
        """Fail."""
        raise BrokerProblem("it is not to be had", trouble=self._trouble)


def over(trouble: Trouble) -> Link:
    """Return such a connection."""
    return cast("Link", Refusing(trouble))  # of which nothing but this is used


def test_a_log_that_does_not_answer_is_waited_for() -> None:
    """Brokers open their port before their streams are back."""
    with pytest.raises(BrokerProblem):
        EventLog("x", patience_s=60).declare(over(Trouble.ABSENT))


def test_a_log_is_done_without_after_a_while_and_that_is_said_once() -> None:
    """Events do not wait for it for ever."""
    event_log = EventLog("x", patience_s=0)
    with capture_logs() as logs:
        assert [event_log.declare(over(Trouble.ABSENT)) for _ in range(3)] == [LogState.MISSING] * 3
    assert [entry["event"] for entry in logs] == ["log.unavailable"]


@pytest.mark.parametrize("trouble", [Trouble.LASTING, Trouble.NOT_PERMITTED])
def test_a_log_that_cannot_be_is_not_waited_for(trouble: Trouble) -> None:
    """A broker without streams, or one that permits none."""
    assert EventLog("x").declare(over(trouble)) is LogState.REFUSED


class Late(EventLog):
    """A log that does not answer the first time it is looked for."""

    def __init__(self, exchange: str) -> None:
        super().__init__(exchange)
        self.looks = 0

    def declare(self, link: Link) -> LogState:
        """Look for it."""
        self.looks += 1
        return LogState.MISSING if self.looks == 1 else super().declare(link)


def carry(folder: Path, broker: Broker, exchange: str, event_log: EventLog) -> tuple[Courier, threading.Thread]:
    """Start a courier on the journal in the folder."""
    courier = Courier(folder / "journal.jsonl", folder / "cursor", broker.url, exchange, event_log)
    thread = threading.Thread(target=courier.run, daemon=True)
    thread.start()
    return courier, thread


@pytest.mark.slow
async def test_a_log_that_comes_back_is_made_whole(broker: Broker, tmp_path: Path) -> None:
    """What passed while it did not answer is sent again: late subscribers see no gap."""
    exchange = "novaflow.events.late"
    journal = Journal(tmp_path / "journal.jsonl", source="/novaflow/host/nova")
    for _ in range(3):
        journal.append(EVENT, "run-1")
    courier, thread = carry(tmp_path, broker, exchange, EventLog(exchange))
    await wait_until(lambda: courier.confirmed == 3)
    courier.leave(0)
    thread.join()
    with broker.channel() as channel:
        channel.queue_unbind(f"{exchange}.log", exchange, "#")
    for _ in range(3):
        journal.append(EVENT, "run-1")
    event_log = Late(exchange)
    courier, thread = carry(tmp_path, broker, exchange, event_log)
    await wait_until(lambda: courier.confirmed == 6)
    assert broker.read_log(exchange, 3) == [1, 2, 3]
    broker.control("close_all_connections", "--vhost", "novaflow", "the test wants it")
    await wait_until(lambda: event_log.looks == 2)
    journal.append(EVENT, "run-1")
    courier.bell.ring()
    await wait_until(lambda: courier.confirmed == 7)
    courier.leave(0)
    thread.join()
    journal.close()
    assert broker.read_log(exchange, 7) == [1, 2, 3, 4, 5, 6, 7]
