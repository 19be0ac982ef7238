"""Single requests to a broker: a login, a check, and a request that a service answers."""

import json
import threading
from collections.abc import Iterator

import pika  # type: ignore[import-untyped]
import pytest

from novaflow.adapters.amqp import amqp_find_log, amqp_login, amqp_request
from novaflow.model.probe import NotYet
from tests.support.brokers import Broker


def request_body(reply_queue: str) -> bytes:
    """Return the body of a request."""
    return json.dumps({"reply_to": reply_queue}).encode()


@pytest.fixture
def server(broker: Broker) -> Iterator[None]:
    """Run a service that replies to what is sent to ``echo``; ``silent`` is a queue without a consumer."""
    with broker.channel(broker.rpc_url) as channel:
        channel.exchange_declare("requests", "topic")
        for name in ("echo", "silent"):
            channel.queue_declare(name)
            channel.queue_bind(name, "requests", name)
    stopped = threading.Event()
    thread = threading.Thread(target=serve, args=(broker, stopped))
    thread.start()
    yield
    stopped.set()
    thread.join()


def serve(broker: Broker, stopped: threading.Event) -> None:
    """Reply to requests until stopped."""
    with broker.channel(broker.rpc_url) as channel:
        channel.basic_consume("echo", on_message_callback=reply, auto_ack=True)
        while not stopped.is_set():
            channel.connection.process_data_events(0.05)


def reply(channel: pika.channel.Channel, _method: object, properties: pika.BasicProperties, body: bytes) -> None:
    """Send a reply to the queue that the request names."""
    channel.basic_publish("", json.loads(body)["reply_to"], f"taken as {properties.content_type}".encode())


@pytest.mark.usefixtures("server")
async def test_a_request_returns_the_reply(broker: Broker) -> None:
    """The request is JSON, and reaches the service behind the queue."""
    assert await amqp_request(broker.rpc_url, "requests", "echo", request_body, within_s=5) == b"taken as application/json"


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("exchange", "routing_key", "reason"),
    [
        ("requests", "silent", r"silent sent no reply within 0\.2 s"),
        ("requests", "unbound", "no queue receives unbound from requests"),
        ("", "unbound", "no queue receives unbound from the default exchange"),
        ("missing", "echo", "no exchange 'missing'"),
    ],
)
async def test_a_failed_request_names_what_is_missing(broker: Broker, exchange: str, routing_key: str, reason: str) -> None:
    """A missing exchange, a missing queue and a missing reply have different reasons."""
    with pytest.raises(NotYet, match=reason):
        await amqp_request(broker.rpc_url, exchange, routing_key, request_body, within_s=0.2)


async def test_a_request_without_a_broker_fails() -> None:
    """The reason is that of the connection."""
    with pytest.raises(NotYet, match="connection refused"):
        await amqp_request("amqp://127.0.0.1:1", "requests", "echo", request_body, within_s=1)


async def test_a_login_returns_user_and_broker(broker: Broker) -> None:
    """RabbitMQ's readiness probe is a login: its port opens before its users exist."""
    assert (await amqp_login(broker.url)).startswith("novaflow logged in to RabbitMQ ")


async def test_a_failed_login_has_a_reason() -> None:
    """The probe shows it."""
    with pytest.raises(NotYet, match=r"connection refused on 127\.0\.0\.1:1"):
        await amqp_login("amqp://127.0.0.1:1")


async def test_a_login_fails_over_to_the_next_broker(broker: Broker) -> None:
    """Port and virtual host are those of the broker that is reached, not of the first one."""
    answer = await amqp_login(f"amqp://guest:guest@127.0.0.2:1/other;{broker.url}")
    assert answer.startswith("novaflow logged in to RabbitMQ ")
    assert answer.endswith(f" at 127.0.0.1:{broker.port}")


async def test_a_login_that_no_broker_accepts_names_all_reasons() -> None:
    """Each broker was tried."""
    with pytest.raises(NotYet, match=r"^connection refused on 127\.0\.0\.1:1; connection refused on 127\.0\.0\.2:2$"):
        await amqp_login("amqp://127.0.0.1:1;amqp://127.0.0.2:2")


async def test_a_missing_stream_queue_is_reported(broker: Broker) -> None:
    """It does not exist before the first event."""
    with pytest.raises(NotYet, match=r"no queue 'novaflow\.events\.none\.log'"):
        await amqp_find_log(broker.url, "novaflow.events.none")
