"""Consuming queues of other programs: no message is lost, none is handled twice."""

import json
from collections.abc import Callable
from pathlib import Path

import anyio
import pika  # type: ignore[import-untyped]
import pytest
from structlog.testing import capture_logs

from novaflow.adapters.amqp import amqp_consume
from tests.support.brokers import Broker, require_rabbitmq
from tests.support.programs import wait_until

PERSISTENT = pika.BasicProperties(delivery_mode=2)


def send(broker: Broker, queue: str, *numbers: int) -> None:
    """Send numbered messages to a durable queue, which is declared."""
    with broker.channel(broker.rpc_url) as channel:
        channel.confirm_delivery()
        channel.queue_declare(queue, durable=True)
        for number in numbers:
            channel.basic_publish("", queue, json.dumps(number).encode(), PERSISTENT)


def count_messages(broker: Broker, queue: str) -> int:
    """Return the number of messages in a queue without a consumer."""
    with broker.channel(broker.rpc_url) as channel:
        count: int = channel.queue_declare(queue, passive=True).method.message_count
        return count


async def consume_until(broker: Broker, queues: tuple[str, ...], is_enough: Callable[[list[int]], bool]) -> list[int]:
    """Consume until the messages are enough, and return them."""
    handled: list[int] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(amqp_consume, broker.rpc_url, queues, lambda body: handled.append(json.loads(body)))
        await wait_until(lambda: is_enough(handled))
        tasks.cancel_scope.cancel()
    return handled


async def test_messages_are_handled_in_order_and_acknowledged(broker: Broker) -> None:
    """There are more messages than may be unacknowledged; in the end the queue is empty."""
    send(broker, "one", *range(250))
    assert await consume_until(broker, ("one",), lambda handled: len(handled) == 250) == list(range(250))
    assert count_messages(broker, "one") == 0


async def test_several_queues_are_consumed_at_once(broker: Broker) -> None:
    """OpenStack has a queue of notifications for each priority."""
    send(broker, "info", 1, 2)
    send(broker, "error", 3)
    assert sorted(await consume_until(broker, ("info", "error"), lambda handled: len(handled) == 3)) == [1, 2, 3]


async def test_a_message_that_cannot_be_handled_stays_in_its_queue(broker: Broker) -> None:
    """A message is acknowledged after it was handled: a full disk loses none."""

    def fail(_: bytes) -> None:
        message = "the disk is full"
        raise OSError(message)

    send(broker, "kept", 1, 2)
    with pytest.raises(ExceptionGroup) as raised:
        await amqp_consume(broker.rpc_url, ("kept",), fail)
    assert raised.group_contains(OSError, match="the disk is full")
    assert await consume_until(broker, ("kept",), lambda handled: len(handled) == 2) == [1, 2]


async def test_a_missing_queue_is_waited_for(broker: Broker) -> None:
    """The reason is logged once."""
    with capture_logs() as logs:
        async with anyio.create_task_group() as tasks:
            handled: list[int] = []
            tasks.start_soon(amqp_consume, broker.rpc_url, ("late",), lambda body: handled.append(json.loads(body)))
            await wait_until(lambda: logs)
            send(broker, "late", 1)
            await wait_until(lambda: handled == [1])
            tasks.cancel_scope.cancel()
    assert [entry["event"] for entry in logs] == ["consumer.interrupted"]
    assert "no queue 'late'" in logs[0]["reason"]


async def test_a_deleted_queue_is_waited_for(broker: Broker) -> None:
    """The broker cancels the consumer, which continues when the queue is declared again."""
    send(broker, "deleted", 1)
    handled: list[int] = []
    with capture_logs() as logs:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(amqp_consume, broker.rpc_url, ("deleted",), lambda body: handled.append(json.loads(body)))
            await wait_until(lambda: handled == [1])
            with broker.channel(broker.rpc_url) as channel:
                channel.queue_delete("deleted")
            await wait_until(lambda: logs)
            send(broker, "deleted", 2)
            await wait_until(lambda: handled == [1, 2])
            tasks.cancel_scope.cancel()
    assert logs[0]["reason"] == "the broker cancelled the consumer: its queue was deleted, or is unavailable"


async def test_a_message_with_an_unknown_compression_is_passed_as_it_is(broker: Broker) -> None:
    """Another program may set the header by which kombu decompresses a body to anything."""
    send(broker, "compressed")
    with broker.channel(broker.rpc_url) as channel:
        channel.basic_publish("", "compressed", b"1", pika.BasicProperties(headers={"compression": "unknown"}))
    assert await consume_until(broker, ("compressed",), lambda handled: len(handled) == 1) == [1]


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_message_that_a_killed_broker_repeats_is_handled_once(tmp_path: Path) -> None:
    """RabbitMQ loses acknowledgements when it is killed, here twice, and delivers the messages again."""
    require_rabbitmq()
    broker = Broker(tmp_path)
    broker.start()
    try:
        send(broker, "durable", *range(2000))
        broker.save_queues()
        handled: list[int] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(amqp_consume, broker.rpc_url, ("durable",), lambda body: handled.append(json.loads(body)))
            for enough in (50, 500):
                await wait_until(lambda enough=enough: len(handled) >= enough)  # type: ignore[misc]
                broker.kill()
                await anyio.to_thread.run_sync(broker.start)
            await wait_until(lambda: len(handled) >= 2000)
            tasks.cancel_scope.cancel()
        assert sorted(handled) == list(range(2000))
        assert count_messages(broker, "durable") == 0
    finally:
        broker.stop()


async def test_a_consumer_can_be_cancelled_between_two_attempts() -> None:
    """Its thread may end while it is being stopped: of 200 cancellations, several meet that moment."""
    for _ in range(200):
        with capture_logs() as logs:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(amqp_consume, "amqp://127.0.0.1:1/nowhere", ("queue",), print)
                await wait_until(lambda: logs)
                tasks.cancel_scope.cancel()
        assert [entry["event"] for entry in logs] == ["consumer.interrupted"]
