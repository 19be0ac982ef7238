"""A stack that publishes to the broker that it starts and stops itself."""

import json
import time
from pathlib import Path
from typing import Any

import anyio
import pika  # type: ignore[import-untyped]
import pytest

from novaflow.events.exchange import EXCHANGE, VHOST
from tests.support.brokers import SERVER, Broker, require_rabbitmq
from tests.system.toy import Toy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

UP_WITHIN_S = 90  # RabbitMQ takes five seconds alone, and thirty on a busy machine
QUEUE = "subscriber.life"
RUN = """
from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("run", "The toy.", stays=True, broker=lambda _, __: {url!r})
"""
COMPONENT = """
import json

from novaflow.model.component import Component, NotificationSource
from novaflow.model.service import Service
from novaflow.events.types import ComponentEvent
from novaflow.model.probe import FunctionProbe


async def log_in(ctx):
    return await ctx.amqp_login({url!r})


async def let_events_out(ctx):
    await ctx.drain_events(3)


def read(body):
    message = json.loads(body)
    return ComponentEvent(kind="instance", name=message["name"], state=message["state"], reason="notified")


BROKER = Service("broker", "A broker.", lambda _: ({server!r},), FunctionProbe(log_in, "AMQP login"), env=lambda _: {env!r},
                 before_stop=let_events_out, within_s=90, grace_s=10, port={port})
SOURCE = NotificationSource("instances", ("reports",), lambda _, __: {rpc_url!r}, read)
COMPONENT = Component("broker", "A broker.", {{"run": (BROKER,)}}, notification_sources=(SOURCE,))
"""


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    """Return a broker that is not started, with a durable queue for all events."""
    require_rabbitmq()
    (tmp_path / "rabbitmq").mkdir()
    broker = Broker(tmp_path / "rabbitmq")
    queue = {"name": QUEUE, "vhost": VHOST, "durable": True, "auto_delete": False, "arguments": {}}
    binding = {"source": EXCHANGE, "vhost": VHOST, "destination": QUEUE, "destination_type": "queue", "routing_key": "#", "arguments": {}}
    broker.define(queues=[queue, queue | {"name": "reports", "vhost": "rpc"}], bindings=[binding])
    return broker


@pytest.fixture
def stack(toy: Toy, broker: Broker) -> Toy:
    """Return a stack with a service that is the broker of its events."""
    facts = {"url": broker.url, "rpc_url": broker.rpc_url, "env": broker.env, "server": str(SERVER), "port": broker.port}
    toy.write("run.py", RUN.format(**facts))
    toy.write("components/broker.py", COMPONENT.format(**facts))
    return toy.installed()


async def bring_up(stack: Toy, *words: str) -> None:
    """Bring the stack up, and wait until the broker has all its events."""
    assert (await stack.call("run", "--detach", *words)).code == 0
    with anyio.fail_after(UP_WITHIN_S):
        while (await stack.status())["state"] != "ready" or (await stack.status())["events"]["waiting"]:  # noqa: ASYNC110 - another process changes its status
            await anyio.sleep(0.05)


def take(broker: Broker, queue: str) -> list[dict[str, Any]]:
    """Return the sequence numbers in a queue; events that were repeated after an interruption are equal and count once."""
    events: dict[str, dict[str, Any]] = {}
    with broker.channel(broker.subscriber_url) as channel:
        while (got := channel.basic_get(queue, auto_ack=True))[0]:
            event = json.loads(got[2])
            assert events.setdefault(event["id"], event) == event
    return [*events.values()]


async def test_two_runs_are_one_sequence(stack: Toy, broker: Broker) -> None:
    """`clean` stops the broker; the last events wait for the next run, and the queue has every number in order."""
    await bring_up(stack)
    assert (await stack.call("clean")).code == 0
    ended = len(stack.paths.journal.read_text().splitlines())
    await bring_up(stack)
    published = (await stack.status())["events"]["published"]
    events = take(broker, QUEUE)
    assert published > ended
    assert [int(event["sequence"]) for event in events] == list(range(1, published + 1))
    stack_states = [event["type"].rpartition(".")[2] for event in events if ".stack." in event["type"]]
    assert stack_states == ["starting", "ready", "stopping", "stopped", "starting", "ready"]


async def test_a_notification_becomes_an_event(stack: Toy, broker: Broker) -> None:
    """The message leaves its queue; one that cannot be read is skipped."""
    await bring_up(stack)
    with broker.channel(broker.rpc_url) as channel:
        for body in (b"nonsense", b'{"name": "5d2f4e0a", "state": "create-end"}'):
            channel.basic_publish("", "reports", body, pika.BasicProperties(delivery_mode=2))
    await stack.wait_published("novaflow.instance.create-end")
    assert "notification.skipped" in (stack.paths.log / "supervisor.log").read_text()
    with anyio.fail_after(UP_WITHIN_S):
        while "novaflow.instance.create-end" not in [event["type"] for event in take(broker, QUEUE)]:  # noqa: ASYNC110 - a queue sets no event
            await anyio.sleep(0.05)
    with broker.channel(broker.rpc_url) as channel:
        assert channel.queue_declare("reports", passive=True).method.message_count == 0


async def test_a_blocked_broker_does_not_delay_a_run(toy: Toy, broker: Broker) -> None:
    """With a memory alarm the stack is ready all the same; its events arrive afterwards, in order."""
    broker.start()
    try:
        toy.installed()
        free_s = await run_and_clean(toy, broker)
        broker.control("set_vm_memory_high_watermark", "absolute", "1000")
        blocked_s = await run_and_clean(toy, broker)
        published = len(toy.paths.journal.read_text().splitlines())
        taken = [int(event["sequence"]) for event in take(broker, QUEUE)]
        assert taken[-1] < published
        broker.control("set_vm_memory_high_watermark", "0.4")
        await run_and_clean(toy, broker)
        taken += [int(event["sequence"]) for event in take(broker, QUEUE)]
        assert [*dict.fromkeys(taken)] == list(range(1, taken[-1] + 1))
        assert taken[-1] > published
        assert blocked_s < free_s + 1  # waiting for the broker would take several seconds
    finally:
        broker.stop()


async def run_and_clean(toy: Toy, broker: Broker) -> float:
    """Run the stack with its events published to the broker, clean it up, and return the duration of the run."""
    began = time.monotonic()
    assert (await toy.call("run", "--wait-ready", NOVAFLOW_EVENTS_URL=broker.url)).code == 0
    took_s = time.monotonic() - began
    assert (await toy.call("clean")).code == 0
    return took_s
