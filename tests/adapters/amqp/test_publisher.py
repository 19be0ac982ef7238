"""The publisher: every event of the journal reaches the broker, in order, as soon as the broker is available."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from cloudevents.core.bindings.amqp import AMQPMessage, from_amqp_event
from structlog.testing import capture_logs

from novaflow.adapters.amqp import Publisher
from novaflow.adapters.storage import BrokerState, Journal
from novaflow.events.types import StepChanged, StepState
from tests.support.brokers import Broker, PikaSubscriber

SOURCE = "/novaflow/host/nova"


class Stack:
    """A journal and its publisher."""

    def __init__(self, folder: Path, url: str, exchange: str) -> None:
        self.folder, self.url, self.exchange = folder, url, exchange
        self.journal = Journal(folder / "journal.jsonl", source=SOURCE)
        self.publisher = self.make_publisher()

    def make_publisher(self) -> Publisher:
        """Return a new publisher, which is not started."""
        return Publisher(self.folder / "journal.jsonl", self.folder / "cursor", self.url, exchange=self.exchange)

    def publish(self, count: int = 1, reason: str = "requested") -> None:
        """Append events to the journal."""
        for _ in range(count):
            self.journal.append(
                StepChanged(name="fetch.image", state=StepState.STARTED, workflow="install", component="glance", reason=reason), "run-1"
            )
            self.publisher.wake()

    def end(self) -> None:
        """Stop the publisher and close the journal."""
        self.publisher.stop(2)
        self.journal.close()


@pytest.fixture
def stack(tmp_path: Path, broker: Broker, exchange: str) -> Iterator[Stack]:
    """Provide a journal and its publisher, which is not started."""
    stack = Stack(tmp_path, broker.url, exchange)
    yield stack
    stack.end()


async def wait_reason(publisher: Publisher, words: str) -> None:
    """Wait until the publisher's reason contains these words."""
    with anyio.fail_after(15):
        while words not in publisher.publish_status.reason:  # noqa: ASYNC110 - a thread sets no anyio.Event
            await anyio.sleep(0.01)


async def test_an_event_arrives_as_documented(stack: Stack, broker: Broker) -> None:
    """Body, routing key, properties and headers are those that subscribers rely on."""
    with PikaSubscriber(broker.url, stack.exchange) as subscriber:
        stack.publisher.start()
        stack.publish()
        assert await stack.publisher.drain(10)
        method, properties, body = subscriber.next()
    event = json.loads(body)
    assert method.routing_key == "nova.step.fetch-image.started"
    assert properties.content_type == "application/cloudevents+json; charset=utf-8"
    assert properties.delivery_mode == 2
    assert properties.message_id == event["id"]
    assert properties.type == "novaflow.step.started"
    assert properties.headers == {f"cloudEvents_{name}": value for name, value in event.items() if name != "data"}
    assert event["sequence"] == "0000000001"
    assert "crc32" not in event
    # The library of the CloudEvents project reads it, in structured mode.
    parsed = from_amqp_event(AMQPMessage({"content-type": properties.content_type}, properties.headers, body))
    assert (parsed.get_id(), parsed.get_subject(), parsed.get_extension("sequence")) == (event["id"], "fetch.image", "0000000001")


@pytest.mark.slow
async def test_every_event_arrives_in_order(stack: Stack, broker: Broker) -> None:
    """Events from before and after the start of the publisher arrive once each; there are more than may be unconfirmed."""
    with PikaSubscriber(broker.url, stack.exchange) as subscriber:
        stack.publish(1000)
        stack.publisher.start()
        stack.publish(1000)
        assert await stack.publisher.drain(20)
        assert subscriber.sequences(2000) == list(range(1, 2001))
    publish_status = stack.publisher.publish_status
    assert (publish_status.published, publish_status.waiting, publish_status.broker) == (2000, 0, BrokerState.UP)


async def test_a_restarted_publisher_continues_after_the_last_confirmed_event(stack: Stack, broker: Broker) -> None:
    """A confirmed event is not sent again."""
    with PikaSubscriber(broker.url, stack.exchange) as subscriber:
        stack.publisher.start()
        stack.publish(3)
        assert await stack.publisher.drain(10)
        stack.publisher.stop(2)
        stack.publisher = stack.make_publisher()
        stack.publisher.start()
        stack.publish(2)
        assert await stack.publisher.drain(10)
        assert subscriber.sequences(5) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("content", ["", "{", '{"sequence": 2, "id": "of another journal"}', '{"sequence": 9, "id": "x"}'])
async def test_an_invalid_cursor_file_means_the_beginning(stack: Stack, broker: Broker, content: str) -> None:
    """Every event is published again, rather than one lost."""
    (stack.folder / "cursor").write_text(content)
    stack.publish(3)
    stack.publisher = stack.make_publisher()
    with PikaSubscriber(broker.url, stack.exchange) as subscriber:
        stack.publisher.start()
        assert await stack.publisher.drain(10)
        assert subscriber.sequences(3) == [1, 2, 3]


async def test_without_a_broker_events_wait(tmp_path: Path, exchange: str) -> None:
    """Without a broker nothing blocks, stopping takes no time, and the waiting events are counted."""
    stack = Stack(tmp_path, "amqp://127.0.0.1:1/", exchange)
    with capture_logs() as logs, anyio.fail_after(2):
        stack.publisher.start()
        stack.publish(3)
        assert not await stack.publisher.drain(0.2)
        publish_status = stack.publisher.publish_status
        stack.end()
    assert (publish_status.published, publish_status.waiting, publish_status.broker) == (0, 3, BrokerState.DOWN)
    assert publish_status.reason == "connection refused on 127.0.0.1:1"
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("broker.down", "info")]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("amqp://novaflow:wrong@{}/novaflow", "refused the login of 'novaflow'; correct user and password in NOVAFLOW_EVENTS_URL"),
        ("amqp://novaflow:publish@{}/nowhere", "refused the virtual host 'nowhere': NOT_ALLOWED - vhost nowhere not found; create it"),
        ("amqp://subscriber:listen@{}/novaflow", "rabbitmqctl set_permissions"),
        (
            "amqps://novaflow:publish@{}/novaflow",
            "does not answer in TLS: WRONG_VERSION_NUMBER; check host and port in NOVAFLOW_EVENTS_URL",
        ),
    ],
)
async def test_a_refusal_is_logged_once(stack: Stack, broker: Broker, url: str, reason: str) -> None:
    """Login, virtual host, permission and protocol have a reason and an advice each; nothing else fails."""
    stack.url = url.format(f"127.0.0.1:{broker.port}")
    stack.publisher = stack.make_publisher()
    with capture_logs() as logs:
        stack.publisher.start()
        stack.publish(3)
        await wait_reason(stack.publisher, reason)
        await anyio.to_thread.run_sync(stack.publisher._thread.join, 0.3)  # noqa: SLF001 - long enough to try again
        stack.publisher.stop(2)
    warnings = [entry for entry in logs if entry["event"] == "broker.down"]
    assert [entry["log_level"] for entry in warnings] == ["warning"]


async def test_an_exchange_of_another_type_is_reported(stack: Stack, broker: Broker) -> None:
    """It belongs to another program, and is not changed."""
    with broker.channel() as channel:
        channel.exchange_declare(stack.exchange, "fanout", durable=True)
    stack.publisher.start()
    stack.publish()
    await wait_reason(stack.publisher, "received 'topic' but current is 'fanout'; delete the object with that name")


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\nServer: any\r\n\r\n", b"", b"SSH-2.0-any\r\n"])
async def test_a_server_that_is_no_broker_is_reported(tmp_path: Path, exchange: str, greeting: bytes) -> None:
    """Whatever the server sends, nothing hangs."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                client.recv(8)
                client.sendall(greeting)

    threading.Thread(target=serve, daemon=True).start()
    stack = Stack(tmp_path, f"amqp://127.0.0.1:{server.getsockname()[1]}/", exchange)
    stack.publisher.start()
    await wait_reason(stack.publisher, "is not an AMQP 0-9-1 broker; check host and port")
    stack.end()
    server.shutdown(socket.SHUT_RDWR)
    server.close()


async def test_an_event_too_large_for_the_broker_arrives_shortened(stack: Stack, broker: Broker) -> None:
    """It keeps its identity, other events are complete, and it is logged."""
    with PikaSubscriber(broker.url, stack.exchange) as subscriber, capture_logs() as logs:
        stack.publisher.start()
        stack.publish()
        stack.publish(reason="x" * 100_000)
        stack.publish()
        assert await stack.publisher.drain(10)
        events = subscriber.events(3)
    assert [event["sequence"] for event in events] == ["0000000001", "0000000002", "0000000003"]
    assert events[1]["data"]["reason"].endswith("… (shortened; the journal has all of it)")
    assert "event.shortened" in [entry["event"] for entry in logs]


async def test_a_deleted_stream_queue_is_declared_and_filled_again(stack: Stack, broker: Broker) -> None:
    """It is filled from the journal, and holds the earlier events as well."""
    stack.publisher.start()
    stack.publish(3)
    assert await stack.publisher.drain(10)
    with broker.channel() as channel:
        channel.queue_delete(f"{stack.exchange}.log")
    stack.publish(3)
    assert await stack.publisher.drain(10)
    assert broker.read_log(stack.exchange, 6) == [1, 2, 3, 4, 5, 6]


async def test_the_publisher_fails_over_to_the_next_broker(stack: Stack, broker: Broker) -> None:
    """The first broker of the URL cannot be reached."""
    stack.url = f"amqp://127.0.0.2:1;{broker.url}"
    stack.publisher = stack.make_publisher()
    with PikaSubscriber(broker.url, stack.exchange) as subscriber:
        stack.publisher.start()
        stack.publish(3)
        assert await stack.publisher.drain(10)
        assert subscriber.sequences(3) == [1, 2, 3]


async def test_a_journal_that_cannot_be_read_is_read_again(stack: Stack) -> None:
    """The publisher reports the reason as that of a broker that is down, and publishes the events when it can."""
    path = stack.folder / "journal.jsonl"
    with capture_logs() as logs:
        stack.publisher.start()
        stack.publish()
        assert await stack.publisher.drain(10)
        path.rename(stack.folder / "kept")
        path.mkdir()
        stack.publish()
        with anyio.fail_after(15):
            while not any(each["event"] == "broker.down" for each in logs):  # noqa: ASYNC110 - logged by a thread
                await anyio.sleep(0.01)
        assert stack.publisher.publish_status.broker is BrokerState.DOWN
        assert f"the journal cannot be read: {path} is not a file" in stack.publisher.publish_status.reason
    path.rmdir()
    (stack.folder / "kept").rename(path)
    assert await stack.publisher.drain(10)
    assert stack.publisher.publish_status.published == 2
