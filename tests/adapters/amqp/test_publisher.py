"""The publisher: whatever is in the journal gets to the broker, once it can."""

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
from novaflow.adapters.storage.journal import Journal
from novaflow.adapters.storage.publish_status import BrokerState
from novaflow.events.types import StepChanged, StepState
from tests.support.brokers import Broker, Ear

SOURCE = "/novaflow/host/nova"


class Stack:
    """A journal with a publisher, on an exchange of its own."""

    def __init__(self, folder: Path, url: str, exchange: str) -> None:
        self.folder, self.url, self.exchange = folder, url, exchange
        self.journal = Journal(folder / "journal.jsonl", source=SOURCE)
        self.publisher = self.another()

    def another(self) -> Publisher:
        """Return a publisher that is not started."""
        return Publisher(self.folder / "journal.jsonl", self.folder / "cursor", self.url, exchange=self.exchange)

    def publish(self, count: int = 1, reason: str = "asked for") -> None:
        """Have something happen."""
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
def exchange(request: pytest.FixtureRequest) -> str:
    """Return the name of an exchange that no other test uses."""
    return f"novaflow.events.{abs(hash(request.node.nodeid))}"


@pytest.fixture
def stack(tmp_path: Path, broker: Broker, exchange: str) -> Iterator[Stack]:
    """Lend a stack on the broker; its publisher is not started."""
    stack = Stack(tmp_path, broker.url, exchange)
    yield stack
    stack.end()


async def until_because(publisher: Publisher, words: str) -> None:
    """Wait until the publisher says these words."""
    with anyio.fail_after(15):
        while words not in publisher.publish_status.reason:  # noqa: ASYNC110 - a thread sets no anyio.Event
            await anyio.sleep(0.01)


async def test_an_event_arrives_as_the_contract_says(stack: Stack, broker: Broker) -> None:
    """Body, routing key, properties and headers are those that others rely on."""
    with Ear(broker.url, stack.exchange) as ear:
        stack.publisher.start()
        stack.publish()
        assert await stack.publisher.drain(10)
        method, properties, body = ear.next()
    event = json.loads(body)
    assert method.routing_key == "nova.step.fetch-image.started"
    assert properties.content_type == "application/cloudevents+json; charset=utf-8"
    assert properties.delivery_mode == 2
    assert properties.message_id == event["id"]
    assert properties.type == "novaflow.step.started"
    assert properties.headers == {f"cloudEvents_{name}": value for name, value in event.items() if name != "data"}
    assert event["sequence"] == "0000000001"
    assert "crc32" not in event
    # The CloudEvents project's own library takes it, in structured mode.
    parsed = from_amqp_event(AMQPMessage({"content-type": properties.content_type}, properties.headers, body))
    assert (parsed.get_id(), parsed.get_subject(), parsed.get_extension("sequence")) == (event["id"], "fetch.image", "0000000001")


async def test_every_event_arrives_in_order(stack: Stack, broker: Broker) -> None:
    """More events than the window holds, told before and after the publisher starts, arrive each once."""
    with Ear(broker.url, stack.exchange) as ear:
        stack.publish(1000)
        stack.publisher.start()
        stack.publish(1000)
        assert await stack.publisher.drain(20)
        assert ear.sequences(2000) == list(range(1, 2001))
    publish_status = stack.publisher.publish_status
    assert (publish_status.published, publish_status.waiting, publish_status.broker) == (2000, 0, BrokerState.UP)


async def test_a_restarted_publisher_goes_on_where_it_was(stack: Stack, broker: Broker) -> None:
    """What is confirmed is noted, and not sent again."""
    with Ear(broker.url, stack.exchange) as ear:
        stack.publisher.start()
        stack.publish(3)
        assert await stack.publisher.drain(10)
        stack.publisher.stop(2)
        stack.publisher = stack.another()
        stack.publisher.start()
        stack.publish(2)
        assert await stack.publisher.drain(10)
        assert ear.sequences(5) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("note", ["", "{", '{"sequence": 2, "id": "of another journal"}', '{"sequence": 9, "id": "x"}'])
async def test_a_position_that_makes_no_sense_is_the_beginning(stack: Stack, broker: Broker, note: str) -> None:
    """Rather twice than never."""
    (stack.folder / "cursor").write_text(note)
    stack.publish(3)
    stack.publisher = stack.another()
    with Ear(broker.url, stack.exchange) as ear:
        stack.publisher.start()
        assert await stack.publisher.drain(10)
        assert ear.sequences(3) == [1, 2, 3]


async def test_without_a_broker_events_wait(tmp_path: Path, exchange: str) -> None:
    """A broker that is not there is no trouble: nothing blocks, stopping is quick, and what waits is counted."""
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
async def test_what_the_broker_refuses_is_said_once(stack: Stack, broker: Broker, url: str, reason: str) -> None:
    """A login, a virtual host, a permission, a protocol: one sentence, one advice, and the run goes on."""
    stack.url = url.format(f"127.0.0.1:{broker.port}")
    stack.publisher = stack.another()
    with capture_logs() as logs:
        stack.publisher.start()
        stack.publish(3)
        await until_because(stack.publisher, reason)
        await anyio.to_thread.run_sync(stack.publisher._thread.join, 0.3)  # noqa: SLF001 - long enough to try again
        stack.publisher.stop(2)
    said = [entry for entry in logs if entry["event"] == "broker.down"]
    assert [entry["log_level"] for entry in said] == ["warning"]


async def test_an_exchange_of_another_type_is_said(stack: Stack, broker: Broker) -> None:
    """Somebody else's exchange is left alone."""
    with broker.channel() as channel:
        channel.exchange_declare(stack.exchange, "fanout", durable=True)
    stack.publisher.start()
    stack.publish()
    await until_because(stack.publisher, "received 'topic' but current is 'fanout'; delete what has that name")


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\nServer: any\r\n\r\n", b"", b"SSH-2.0-any\r\n"])
async def test_what_is_no_broker_is_told_from_one(tmp_path: Path, exchange: str, greeting: bytes) -> None:
    """Whoever answers on that port, nothing hangs."""
    server = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        while True:
            try:
                guest, _ = server.accept()
            except OSError:
                return
            with guest:
                guest.recv(8)
                guest.sendall(greeting)

    threading.Thread(target=greet, daemon=True).start()
    stack = Stack(tmp_path, f"amqp://127.0.0.1:{server.getsockname()[1]}/", exchange)
    stack.publisher.start()
    await until_because(stack.publisher, "is not an AMQP 0-9-1 broker; check host and port")
    stack.end()
    server.shutdown(socket.SHUT_RDWR)
    server.close()


async def test_an_event_too_large_for_the_broker_arrives_in_short(stack: Stack, broker: Broker) -> None:
    """It keeps its identity, the others are untouched, and it is said."""
    with Ear(broker.url, stack.exchange) as ear, capture_logs() as logs:
        stack.publisher.start()
        stack.publish()
        stack.publish(reason="x" * 100_000)
        stack.publish()
        assert await stack.publisher.drain(10)
        events = ear.events(3)
    assert [event["sequence"] for event in events] == ["0000000001", "0000000002", "0000000003"]
    assert events[1]["data"]["reason"].endswith("… (shortened; all of it is in the journal)")
    assert "event.shortened" in [entry["event"] for entry in logs]


async def test_a_log_that_was_deleted_is_made_again(stack: Stack, broker: Broker) -> None:
    """Somebody removed it: it is filled again from the journal, and has what came before as well."""
    stack.publisher.start()
    stack.publish(3)
    assert await stack.publisher.drain(10)
    with broker.channel() as channel:
        channel.queue_delete(f"{stack.exchange}.log")
    stack.publish(3)
    assert await stack.publisher.drain(10)
    assert broker.read_log(stack.exchange, 6) == [1, 2, 3, 4, 5, 6]
