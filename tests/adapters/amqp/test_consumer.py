"""Taking somebody else's messages: each once, and none lost."""

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
    """Put numbered messages into a durable queue, which is made if need be."""
    with broker.channel(broker.rpc_url) as channel:
        channel.confirm_delivery()
        channel.queue_declare(queue, durable=True)
        for number in numbers:
            channel.basic_publish("", queue, json.dumps(number).encode(), PERSISTENT)


def left_in(broker: Broker, queue: str) -> int:
    """Return how many messages are in a queue that nobody reads."""
    with broker.channel(broker.rpc_url) as channel:
        count: int = channel.queue_declare(queue, passive=True).method.message_count
        return count


async def consume_until(broker: Broker, queues: tuple[str, ...], over: Callable[[list[int]], bool]) -> list[int]:
    """Consume until what was taken is enough, and return it."""
    taken: list[int] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(amqp_consume, broker.rpc_url, queues, lambda body: taken.append(json.loads(body)))
        await wait_until(lambda: over(taken))
        tasks.cancel_scope.cancel()
    return taken


async def test_messages_are_taken_in_order_and_leave_their_queue(broker: Broker) -> None:
    """More than may be unacknowledged at once; then the queue is empty."""
    send(broker, "one", *range(250))
    assert await consume_until(broker, ("one",), lambda taken: len(taken) == 250) == list(range(250))
    assert left_in(broker, "one") == 0


async def test_several_queues_are_read_side_by_side(broker: Broker) -> None:
    """As a topic is split by priority."""
    send(broker, "info", 1, 2)
    send(broker, "error", 3)
    assert sorted(await consume_until(broker, ("info", "error"), lambda taken: len(taken) == 3)) == [1, 2, 3]


async def test_what_could_not_be_told_stays_in_its_queue(broker: Broker) -> None:
    """A message is acknowledged after it was taken: a full disk, or our end, loses none."""

    def refuse(_: bytes) -> None:
        message = "the disk is full"
        raise OSError(message)

    send(broker, "kept", 1, 2)
    with pytest.raises(ExceptionGroup) as raised:
        await amqp_consume(broker.rpc_url, ("kept",), refuse)
    assert raised.group_contains(OSError, match="the disk is full")
    assert await consume_until(broker, ("kept",), lambda taken: len(taken) == 2) == [1, 2]


async def test_a_queue_that_is_not_there_yet_is_waited_for(broker: Broker) -> None:
    """It is said once."""
    with capture_logs() as logs:
        async with anyio.create_task_group() as tasks:
            taken: list[int] = []
            tasks.start_soon(amqp_consume, broker.rpc_url, ("late",), lambda body: taken.append(json.loads(body)))
            await wait_until(lambda: logs)
            send(broker, "late", 1)
            await wait_until(lambda: taken == [1])
            tasks.cancel_scope.cancel()
    assert [entry["event"] for entry in logs] == ["feed.interrupted"]
    assert "no queue 'late'" in logs[0]["reason"]


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_killed_broker_repeats_nothing_to_us(tmp_path: Path) -> None:
    """Twice in the middle of it: durable messages come, each once, though the broker forgets what was acknowledged."""
    require_rabbitmq()
    broker = Broker(tmp_path)
    broker.start()
    try:
        send(broker, "durable", *range(2000))
        broker.remember_queues()
        taken: list[int] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(amqp_consume, broker.rpc_url, ("durable",), lambda body: taken.append(json.loads(body)))
            for enough in (50, 500):
                await wait_until(lambda enough=enough: len(taken) >= enough)  # type: ignore[misc]
                broker.kill()
                await anyio.to_thread.run_sync(broker.start)
            await wait_until(lambda: len(taken) >= 2000)
            tasks.cancel_scope.cancel()
        assert sorted(taken) == list(range(2000))
        assert left_in(broker, "durable") == 0
    finally:
        broker.stop()
