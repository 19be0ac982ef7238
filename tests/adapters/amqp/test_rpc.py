"""Asking a broker once: a login, and a question to whoever serves a queue."""

import json
import threading
from collections.abc import Iterator

import pika  # type: ignore[import-untyped]
import pytest

from novaflow.adapters.amqp import amqp_find_log, amqp_login, amqp_request
from novaflow.model.probe import NotYet
from tests.support.brokers import Broker


def ask(reply_queue: str) -> bytes:
    """Build a question."""
    return json.dumps({"reply_to": reply_queue}).encode()


@pytest.fixture
def server(broker: Broker) -> Iterator[None]:
    """Run a service that answers what is sent to ``echo``; ``deaf`` has a queue, and nobody listens."""
    with broker.channel(broker.rpc_url) as channel:
        channel.exchange_declare("asked", "topic")
        for name in ("echo", "deaf"):
            channel.queue_declare(name)
            channel.queue_bind(name, "asked", name)
    over = threading.Event()
    thread = threading.Thread(target=serve, args=(broker, over))
    thread.start()
    yield
    over.set()
    thread.join()


def serve(broker: Broker, over: threading.Event) -> None:
    """Answer questions, until it is over."""
    with broker.channel(broker.rpc_url) as channel:
        channel.basic_consume("echo", on_message_callback=answer, auto_ack=True)
        while not over.is_set():
            channel.connection.process_data_events(0.05)


def answer(channel: pika.channel.Channel, _method: object, properties: pika.BasicProperties, body: bytes) -> None:
    """Answer one question where it says."""
    channel.basic_publish("", json.loads(body)["reply_to"], f"taken as {properties.content_type}".encode())


@pytest.mark.usefixtures("server")
async def test_a_question_is_answered(broker: Broker) -> None:
    """It reaches whoever serves the queue, and the reply comes back."""
    assert await amqp_request(broker.rpc_url, "asked", "echo", ask, within_s=5) == b"taken as application/json"


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("exchange", "routing_key", "reason"),
    [
        ("asked", "deaf", r"deaf gave no answer within 0\.2 s"),
        ("asked", "nobody", "nobody listens for nobody on asked"),
        ("", "nobody", "nobody listens for nobody on the default exchange"),
        ("nowhere", "echo", "no exchange 'nowhere'"),
    ],
)
async def test_a_question_nobody_answers_is_told_from_others(broker: Broker, exchange: str, routing_key: str, reason: str) -> None:
    """Whether nobody listens or nobody answers makes a difference to who waits."""
    with pytest.raises(NotYet, match=reason):
        await amqp_request(broker.rpc_url, exchange, routing_key, ask, within_s=0.2)


async def test_a_question_without_a_broker_is_not_answered() -> None:
    """The reason is the broker's."""
    with pytest.raises(NotYet, match="connection refused"):
        await amqp_request("amqp://127.0.0.1:1", "asked", "echo", ask, within_s=1)


async def test_a_login_tells_what_answered(broker: Broker) -> None:
    """As RabbitMQ's readiness: the port opens before the users exist."""
    assert (await amqp_login(broker.url)).startswith("novaflow logged in to RabbitMQ ")


async def test_a_login_that_fails_tells_why() -> None:
    """The reason is what a probe shows."""
    with pytest.raises(NotYet, match=r"connection refused on 127\.0\.0\.1:1"):
        await amqp_login("amqp://127.0.0.1:1")


async def test_a_log_that_is_not_there_is_said(broker: Broker) -> None:
    """Somebody may ask before the first event."""
    with pytest.raises(NotYet, match=r"no queue 'novaflow\.events\.none\.log'"):
        await amqp_find_log(broker.url, "novaflow.events.none")
