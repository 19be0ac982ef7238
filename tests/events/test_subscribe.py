"""Subscriptions: every event is delivered once, in order, as a typed value."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pika  # type: ignore[import-untyped]
import pytest
from structlog.testing import capture_logs

from novaflow.adapters.amqp import Publisher, amqp_login
from novaflow.adapters.storage import Journal
from novaflow.events.exchange import EXCHANGE
from novaflow.events.subscribe import Begin, EventRecord, Gap, ServiceChanged, StepChanged, Subscription, subscribe
from novaflow.events.types import ServiceState, StepState
from novaflow.model.probe import NotYet
from tests.support.brokers import Broker

READY = ServiceChanged(name="nova-api", state=ServiceState.READY, workflow="run", component="nova-api", reason="answered", port=8774)
STARTED = StepChanged(name="fetch", state=StepState.STARTED, workflow="install", component="glance", reason="requested")


@pytest.fixture
def anyio_backend() -> str:
    """Use one backend: the code under test runs in threads."""
    return "asyncio"


@pytest.fixture
def exchange(request: pytest.FixtureRequest) -> str:
    """Return the name of an exchange that no other test uses."""
    return f"novaflow.events.{abs(hash(request.node.nodeid))}"


@pytest.fixture
async def publisher(tmp_path: Path, broker: Broker, exchange: str) -> AsyncIterator[Publisher]:
    """Provide a publisher that has published three events: two of a step, one of a service."""
    publish(tmp_path, STARTED, STARTED, READY)
    publisher = Publisher(tmp_path / "journal.jsonl", tmp_path / "cursor", broker.url, exchange=exchange)
    publisher.start()
    assert await publisher.drain(10)
    yield publisher
    publisher.stop(2)


def publish(folder: Path, *events: StepChanged | ServiceChanged) -> list[EventRecord]:
    """Append events to the journal in the folder."""
    journal = Journal(folder / "journal.jsonl", source="/novaflow/host/nova")
    records = [journal.append(event, "run-1") for event in events]
    journal.close()
    return records


async def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for a condition that a thread fulfils."""
    with anyio.fail_after(10):
        while not condition():  # noqa: ASYNC110 - a thread sets no anyio.Event
            await anyio.sleep(0.01)


async def take(events: Subscription, count: int) -> list[EventRecord]:
    """Return the next events."""
    with anyio.fail_after(10):
        return [await anext(events) for _ in range(count)]


@pytest.mark.usefixtures("publisher")
async def test_a_subscriber_gets_typed_events_from_the_start(broker: Broker, exchange: str) -> None:
    """Events from before the subscription are delivered, as the values that were published."""
    async with subscribe(broker.url, exchange=exchange, begin=Begin.START) as events:
        assert [record.event for record in await take(events, 3)] == [STARTED, STARTED, READY]


async def test_a_subscriber_gets_new_events_only_by_default(publisher: Publisher, broker: Broker, exchange: str, tmp_path: Path) -> None:
    """``begin`` is left out."""
    async with subscribe(broker.url, exchange=exchange) as events:
        # The subscription works when its first event arrives: publish until then.
        received: list[EventRecord] = []

        async def receive() -> None:
            received.append(await anext(events))

        with anyio.fail_after(10):
            async with anyio.create_task_group() as tg:
                tg.start_soon(receive)
                while not received:
                    publish(tmp_path, READY)
                    publisher.wake()
                    await anyio.sleep(0.01)
    assert received[0].sequence > 3


@pytest.mark.usefixtures("publisher")
async def test_a_pattern_selects_events(broker: Broker, exchange: str) -> None:
    """Routing keys are matched as the broker matches them."""
    async with subscribe(broker.url, exchange=exchange, begin=Begin.START, pattern="*.service.*.ready") as events:
        assert (await take(events, 1))[0].event == READY


async def test_a_subscription_begins_at_a_time(publisher: Publisher, broker: Broker, exchange: str, tmp_path: Path) -> None:
    """No earlier event is delivered, although the stream queue finds a time in chunks."""
    later = publish(tmp_path, READY, STARTED)
    publisher.wake()
    async with subscribe(broker.url, exchange=exchange, begin=later[0].time) as events:
        taken = await take(events, 2)
    assert taken[-1] == later[-1]
    assert all(record.time >= later[0].time for record in taken)


@pytest.mark.usefixtures("publisher")
async def test_a_restarted_subscriber_continues_at_its_position(broker: Broker, exchange: str, tmp_path: Path) -> None:
    """An event that was not processed completely is delivered again, those before it are not."""
    position_file = tmp_path / "position"
    async with subscribe(broker.url, exchange=exchange, begin=Begin.START, position_file=position_file) as events:
        assert [record.sequence for record in await take(events, 2)] == [1, 2]
    async with subscribe(broker.url, exchange=exchange, begin=Begin.START, position_file=position_file) as events:
        assert [record.sequence for record in await take(events, 2)] == [2, 3]


@pytest.mark.usefixtures("publisher")
async def test_an_invalid_position_file_is_logged_and_ignored(broker: Broker, exchange: str, tmp_path: Path) -> None:
    """The subscription begins as without the file."""
    (tmp_path / "position").write_text("nonsense")
    with capture_logs() as logs:
        async with subscribe(broker.url, exchange=exchange, begin=Begin.START, position_file=tmp_path / "position") as events:
            assert (await take(events, 1))[0].sequence == 1
    assert [entry["event"] for entry in logs] == ["position.unreadable"]


@pytest.fixture
def raw_publisher(broker: Broker, exchange: str, publisher: Publisher) -> Iterator["RawPublisher"]:
    """Provide a publisher of events that novaflow's publisher would not publish."""
    assert publisher.publish_status.waiting == 0
    with broker.channel() as channel:
        yield RawPublisher(channel, exchange)


class RawPublisher:
    """Publishes events of another source with any sequence number, and any other message."""

    def __init__(self, channel: pika.adapters.blocking_connection.BlockingChannel, exchange: str) -> None:
        self._channel, self._exchange = channel, exchange

    def publish(self, *sequences: int) -> None:
        """Publish events with these sequence numbers."""
        for sequence in sequences:
            at = datetime(2026, 11, 22, 12, 0, sequence, tzinfo=UTC)
            event = EventRecord(id=str(sequence), sequence=sequence, time=at, source="/novaflow/other/nova", run_id="r", event=READY)
            self.publish_bytes(event.encode())

    def publish_bytes(self, body: bytes) -> None:
        """Publish a message."""
        self._channel.basic_publish(self._exchange, "nova.service.x.ready", body)


async def test_a_repeated_event_is_delivered_once(raw_publisher: RawPublisher, broker: Broker, exchange: str) -> None:
    """The publisher publishes each event at least once."""
    raw_publisher.publish(1, 2, 3, 2, 3, 4)
    async with subscribe(broker.url, exchange=exchange, begin=Begin.START) as events:
        taken = await take(events, 7)
    assert [record.sequence for record in taken] == [1, 2, 3, 1, 2, 3, 4]


async def test_a_gap_is_reported(raw_publisher: RawPublisher, broker: Broker, exchange: str) -> None:
    """``on_gap`` is called with the bounds of the missing events."""
    raw_publisher.publish(1, 2, 5)
    gaps: list[Gap] = []
    async with subscribe(broker.url, exchange=exchange, begin=Begin.START, on_gap=gaps.append) as events:
        await take(events, 6)
    assert gaps == [Gap("/novaflow/other/nova", first=3, last=4)]


async def test_a_message_that_is_not_an_event_is_skipped(raw_publisher: RawPublisher, broker: Broker, exchange: str) -> None:
    """It is logged, and the next events are delivered."""
    raw_publisher.publish_bytes(b"hello")
    raw_publisher.publish(1)
    with capture_logs() as logs:
        async with subscribe(broker.url, exchange=exchange, begin=Begin.START) as events:
            assert (await take(events, 4))[3].source == "/novaflow/other/nova"
    assert [entry["event"] for entry in logs] == ["message.skipped"]


async def test_a_slow_subscriber_loses_nothing(raw_publisher: RawPublisher, broker: Broker, exchange: str) -> None:
    """A limited number of events waits in memory, the others on the broker."""
    raw_publisher.publish(*range(1, 60))
    for _ in range(50):
        raw_publisher.publish_bytes(b"x" * 1000)
    async with subscribe(broker.url, exchange=exchange, begin=Begin.START) as events:
        assert [record.sequence for record in await take(events, 62)][3:] == list(range(1, 60))


async def test_a_subscription_may_begin_before_the_stack(broker: Broker, exchange: str, tmp_path: Path) -> None:
    """It waits for exchange and stream queue, logs each reason once, and misses no event."""
    with capture_logs() as logs:
        async with subscribe(broker.url, exchange=exchange, begin=Begin.START) as events:
            await wait_for(lambda: bool(logs))
            publish(tmp_path, READY)
            publisher = Publisher(tmp_path / "journal.jsonl", tmp_path / "cursor", broker.url, exchange=exchange)
            publisher.start()
            assert (await take(events, 1))[0].event == READY
            publisher.stop(2)
    reasons = [entry["reason"] for entry in logs if entry["event"] == "subscription.interrupted"]
    assert len(reasons) == len(set(reasons)) > 0


async def test_the_subscriber_user_may_subscribe(broker: Broker, tmp_path: Path) -> None:
    """It may read the stream queue, and bind its own queues."""
    publish(tmp_path, READY)
    publisher = Publisher(tmp_path / "journal.jsonl", tmp_path / "cursor", broker.url)
    publisher.start()
    assert await publisher.drain(10)
    async with subscribe(broker.subscriber_url, begin=Begin.START) as events:
        # Other tests publish to the same exchange.
        with anyio.fail_after(10):
            while (await anext(events)).event != READY:
                pass
    with broker.channel(broker.subscriber_url) as channel:
        for name in ("", "subscriber.mine"):
            queue = channel.queue_declare(name, exclusive=True).method.queue
            channel.queue_bind(queue, EXCHANGE, "#")
    publisher.stop(2)


@pytest.mark.parametrize("exchange", [EXCHANGE, ""])
def test_the_subscriber_user_cannot_publish(broker: Broker, exchange: str) -> None:
    """Neither to the exchange of events, nor to a queue directly."""
    with broker.channel(broker.subscriber_url) as channel:
        channel.confirm_delivery()
        with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="ACCESS_REFUSED"):
            channel.basic_publish(exchange, "novaflow.events.log", b"hello")


@pytest.mark.parametrize("vhost", ["%2F", "openstack"])
async def test_the_subscriber_user_cannot_use_another_virtual_host(broker: Broker, vhost: str) -> None:
    """Nova's queues are in another one."""
    with pytest.raises(NotYet, match="refused the virtual host"):
        await amqp_login(broker.subscriber_url.rpartition("/")[0] + "/" + vhost)
