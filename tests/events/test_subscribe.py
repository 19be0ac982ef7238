"""Subscribing: every event, typed, in order, once."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pika  # type: ignore[import-untyped]
import pytest
from structlog.testing import capture_logs

from novaflow.adapters.amqp import Publisher, amqp_login
from novaflow.adapters.storage.journal import Journal
from novaflow.events.exchange import EXCHANGE
from novaflow.events.subscribe import Begin, EventRecord, Gap, ServiceChanged, StepChanged, Subscription, subscribe
from novaflow.events.types import ServiceState, StepState
from novaflow.model.probe import NotYet
from tests.support.brokers import Broker

READY = ServiceChanged(name="nova-api", state=ServiceState.READY, workflow="run", component="nova-api", reason="answered", port=8774)
STARTED = StepChanged(name="fetch", state=StepState.STARTED, workflow="install", component="glance", reason="asked for")


@pytest.fixture
def anyio_backend() -> str:
    """Use one backend: what is tested here happens in threads."""
    return "asyncio"


@pytest.fixture
def exchange(request: pytest.FixtureRequest) -> str:
    """Return the name of an exchange that no other test uses."""
    return f"novaflow.events.{abs(hash(request.node.nodeid))}"


@pytest.fixture
async def publisher(tmp_path: Path, broker: Broker, exchange: str) -> AsyncIterator[Publisher]:
    """Lend a publisher that has published three events: two of a step, one of a service."""
    publish(tmp_path, STARTED, STARTED, READY)
    publisher = Publisher(tmp_path / "journal.jsonl", tmp_path / "cursor", broker.url, exchange=exchange)
    publisher.start()
    assert await publisher.drain(10)
    yield publisher
    publisher.stop(2)


def publish(folder: Path, *events: StepChanged | ServiceChanged) -> list[EventRecord]:
    """Have events happen on the stack in the folder."""
    journal = Journal(folder / "journal.jsonl", source="/novaflow/host/nova")
    record = [journal.append(event, "run-1") for event in events]
    journal.close()
    return record


async def until(fact: Callable[[], bool]) -> None:
    """Wait for something that a thread brings about."""
    with anyio.fail_after(10):
        while not fact():  # noqa: ASYNC110 - a thread sets no anyio.Event
            await anyio.sleep(0.01)


async def take(events: Subscription, count: int) -> list[EventRecord]:
    """Take so many events."""
    with anyio.fail_after(10):
        return [await anext(events) for _ in range(count)]


@pytest.mark.usefixtures("publisher")
async def test_a_subscriber_gets_typed_events_from_the_start(broker: Broker, exchange: str) -> None:
    """What was told before the subscription comes too, as the values it was told in."""
    async with subscribe(broker.url, exchange=exchange, begin=Begin.START) as events:
        assert [record.event for record in await take(events, 3)] == [STARTED, STARTED, READY]


async def test_a_subscriber_gets_what_is_new(publisher: Publisher, broker: Broker, exchange: str, tmp_path: Path) -> None:
    """Without a word about the past, only what happens from now on comes."""
    async with subscribe(broker.url, exchange=exchange) as events:
        # The subscription stands when the first event comes through it: tell until then.
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
async def test_a_pattern_chooses(broker: Broker, exchange: str) -> None:
    """Routing keys are matched as the broker would."""
    async with subscribe(broker.url, exchange=exchange, begin=Begin.START, pattern="*.service.*.ready") as events:
        assert (await take(events, 1))[0].event == READY


async def test_a_time_chooses(publisher: Publisher, broker: Broker, exchange: str, tmp_path: Path) -> None:
    """Events from a time on come, though the log is searched in chunks."""
    later = publish(tmp_path, READY, STARTED)
    publisher.wake()
    async with subscribe(broker.url, exchange=exchange, begin=later[0].time) as events:
        taken = await take(events, 2)
    assert taken[-1] == later[-1]
    assert all(record.time >= later[0].time for record in taken)


@pytest.mark.usefixtures("publisher")
async def test_a_subscriber_resumes_where_it_was(broker: Broker, exchange: str, tmp_path: Path) -> None:
    """The event that was in work when the program ended comes again, those before it do not."""
    position = tmp_path / "position"
    async with subscribe(broker.url, exchange=exchange, begin=Begin.START, position=position) as events:
        assert [record.sequence for record in await take(events, 2)] == [1, 2]
    async with subscribe(broker.url, exchange=exchange, begin=Begin.START, position=position) as events:
        assert [record.sequence for record in await take(events, 2)] == [2, 3]


@pytest.mark.usefixtures("publisher")
async def test_a_position_that_cannot_be_read_is_said(broker: Broker, exchange: str, tmp_path: Path) -> None:
    """The subscription begins as if there were none."""
    (tmp_path / "position").write_text("nonsense")
    with capture_logs() as logs:
        async with subscribe(broker.url, exchange=exchange, begin=Begin.START, position=tmp_path / "position") as events:
            assert (await take(events, 1))[0].sequence == 1
    assert [entry["event"] for entry in logs] == ["position.unreadable"]


@pytest.fixture
def by_hand(broker: Broker, exchange: str, publisher: Publisher) -> Iterator["ByHand"]:
    """Lend something that publishes what no publisher of ours would."""
    assert publisher.publish_status.waiting == 0
    with broker.channel() as channel:
        yield ByHand(channel, exchange)


class ByHand:
    """Publishes events of another source with any sequence number."""

    def __init__(self, channel: pika.adapters.blocking_connection.BlockingChannel, exchange: str) -> None:
        self._channel, self._exchange = channel, exchange

    def publish(self, *sequences: int) -> None:
        """Publish events with these numbers."""
        for sequence in sequences:
            at = datetime(2026, 11, 22, 12, 0, sequence, tzinfo=UTC)
            event = EventRecord(id=str(sequence), sequence=sequence, time=at, source="/novaflow/other/nova", run_id="r", event=READY)
            self.publish_bytes(event.encode())

    def publish_bytes(self, body: bytes) -> None:
        """Publish anything."""
        self._channel.basic_publish(self._exchange, "nova.service.x.ready", body)


async def test_what_is_repeated_comes_once(by_hand: ByHand, broker: Broker, exchange: str) -> None:
    """At least once becomes once."""
    by_hand.publish(1, 2, 3, 2, 3, 4)
    async with subscribe(broker.url, exchange=exchange, begin=Begin.START) as events:
        taken = await take(events, 7)
    assert [record.sequence for record in taken] == [1, 2, 3, 1, 2, 3, 4]


async def test_a_gap_is_told(by_hand: ByHand, broker: Broker, exchange: str) -> None:
    """Who subscribes sees a loss, even of events it had not asked for."""
    by_hand.publish(1, 2, 5)
    gaps: list[Gap] = []
    async with subscribe(broker.url, exchange=exchange, begin=Begin.START, on_gap=gaps.append) as events:
        await take(events, 6)
    assert gaps == [Gap("/novaflow/other/nova", first=3, last=4)]


async def test_what_is_no_event_is_passed_over(by_hand: ByHand, broker: Broker, exchange: str) -> None:
    """A foreign message is said, and disturbs nobody."""
    by_hand.publish_bytes(b"hello")
    by_hand.publish(1)
    with capture_logs() as logs:
        async with subscribe(broker.url, exchange=exchange, begin=Begin.START) as events:
            assert (await take(events, 4))[3].source == "/novaflow/other/nova"
    assert [entry["event"] for entry in logs] == ["message.skipped"]


async def test_a_subscriber_that_takes_its_time_costs_nothing(by_hand: ByHand, broker: Broker, exchange: str) -> None:
    """However many events there are, only a few wait in its memory, and none is lost."""
    by_hand.publish(*range(1, 60))
    for _ in range(50):
        by_hand.publish_bytes(b"x" * 1000)
    async with subscribe(broker.url, exchange=exchange, begin=Begin.START) as events:
        assert [record.sequence for record in await take(events, 62)][3:] == list(range(1, 60))


async def test_a_subscription_may_come_before_everything(broker: Broker, exchange: str, tmp_path: Path) -> None:
    """Neither exchange nor log exist yet: it waits, says why, each reason once, and misses nothing."""
    with capture_logs() as logs:
        async with subscribe(broker.url, exchange=exchange, begin=Begin.START) as events:
            await until(lambda: bool(logs))
            publish(tmp_path, READY)
            publisher = Publisher(tmp_path / "journal.jsonl", tmp_path / "cursor", broker.url, exchange=exchange)
            publisher.start()
            assert (await take(events, 1))[0].event == READY
            publisher.stop(2)
    reasons = [entry["reason"] for entry in logs if entry["event"] == "subscription.interrupted"]
    assert len(reasons) == len(set(reasons)) > 0


async def test_the_subscribers_user_may_listen(broker: Broker, tmp_path: Path) -> None:
    """It reads the log, and binds queues of its own."""
    publish(tmp_path, READY)
    publisher = Publisher(tmp_path / "journal.jsonl", tmp_path / "cursor", broker.url)
    publisher.start()
    assert await publisher.drain(10)
    async with subscribe(broker.subscriber_url, begin=Begin.START) as events:
        assert (await take(events, 1))[0].event == READY
    with broker.channel(broker.subscriber_url) as channel:
        for name in ("", "subscriber.mine"):
            queue = channel.queue_declare(name, exclusive=True).method.queue
            channel.queue_bind(queue, EXCHANGE, "#")
    publisher.stop(2)


@pytest.mark.parametrize("exchange", [EXCHANGE, ""])
def test_the_subscribers_user_cannot_publish(broker: Broker, exchange: str) -> None:
    """Neither to the events, nor straight into a queue."""
    with broker.channel(broker.subscriber_url) as channel:
        channel.confirm_delivery()
        with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="ACCESS_REFUSED"):
            channel.basic_publish(exchange, "novaflow.events.log", b"hello")


@pytest.mark.parametrize("vhost", ["%2F", "openstack"])
async def test_the_subscribers_user_sees_no_other_virtual_host(broker: Broker, vhost: str) -> None:
    """Nova's own queues are out of its reach."""
    with pytest.raises(NotYet, match="refused the virtual host"):
        await amqp_login(broker.subscriber_url.rpartition("/")[0] + "/" + vhost)
