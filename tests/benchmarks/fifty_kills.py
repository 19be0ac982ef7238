"""Test that no event is lost: `python -m tests.benchmarks.fifty_kills`; exit code 1 if one is missing or out of order.

A stack of thousands of steps runs, while the broker of its events is killed fifty times. Two subscribers count the
events they get: novaflow's, and pika, which reads a durable queue. Takes six minutes, most of them for RabbitMQ to start.
"""

# ruff: noqa: S603, T201, TID251 - a program that prints, and starts other programs

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import anyio

from novaflow.adapters.storage import last_record
from novaflow.events.exchange import EXCHANGE, VHOST
from novaflow.events.subscribe import Begin, subscribe
from novaflow.logs import log_to
from novaflow.model.paths import Paths
from tests.benchmarks.table import NOVAFLOW
from tests.support.brokers import Broker

CHAINS = 10  # of steps that need each other
QUEUE = "subscriber.proof"
WORKFLOW = """
from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("{name}", "Steps.", stays={stays})
"""
COMPONENT = """
from pathlib import Path

from novaflow.model.component import Component
from novaflow.model.step import Step
from novaflow.model.probe import NotYet

KILLS = Path({counter!r})


def body(kills):
    async def go(ctx):
        \"\"\"Wait for a number of kills.\"\"\"

        async def count_kills():
            if int(KILLS.read_text() or 0) < kills:
                raise NotYet("waiting for a kill")
            return "killed often enough"

        return await ctx.wait(count_kills, within_s=3000)

    return go


STEPS = tuple(
    Step(f"s{{chain}}-{{place}}", body(place * {kills} // {length}), 3600, needs=(f"toy.s{{chain}}-{{place - 1}}",) if place else ())
    for chain in range({chains})
    for place in range({length})
)
COMPONENT = Component("toy", "A toy.", {{"run": STEPS}})
"""


def main() -> None:
    """Run it, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="how many times the broker is killed")
    parser.add_argument("--events", type=int, default=10_000, help="how many events are published meanwhile, at least")
    options = parser.parse_args()
    log_to()
    with tempfile.TemporaryDirectory(prefix="nf-kills-") as folder:
        sys.exit(anyio.run(count_through_kills, Path(folder), options.kills, options.events))


async def count_through_kills(folder: Path, kills: int, events: int) -> int:
    """Run the stack, kill the broker, count the events, and return the exit code."""
    broker = make_broker(folder)
    broker.start()
    stack = Paths(folder / "nova")
    began = time.monotonic()
    received: list[int] = []
    try:
        with start_run(folder, broker, kills, events) as run:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(receive, broker, received)
                await kill_repeatedly(broker, folder / "kills", kills, run)
                if run.wait():
                    sys.exit(f"the run failed: {(folder / 'output').read_text()[-2000:]}")
                record = last_record(stack.journal)
                last = record.sequence if record else 0
                with anyio.move_on_after(60):
                    while len(received) < last:  # noqa: ASYNC110 - a list sets no anyio.Event
                        await anyio.sleep(0.1)
                tasks.cancel_scope.cancel()
        complete = [check("novaflow's subscriber", received, last), check("a durable queue, read by pika", read_queue(broker, last), last)]
    finally:
        await anyio.run_process([NOVAFLOW, "clean", str(stack.root)], env={**os.environ, "NOVAFLOW_WORKFLOWS": str(folder / "toys")})
        broker.stop()
    if not all(complete):
        print((stack.log / "supervisor.log").read_text()[-20_000:])
    print(f"{kills} kills, {last} events, {time.monotonic() - began:.0f} s")
    return 0 if all(complete) and last >= events else 1


def make_broker(folder: Path) -> Broker:
    """Return a broker with a durable queue of all events."""
    (folder / "rabbitmq").mkdir()
    broker = Broker(folder / "rabbitmq")
    queue = {"name": QUEUE, "vhost": VHOST, "durable": True, "auto_delete": False, "arguments": {}}
    binding = {"source": EXCHANGE, "vhost": VHOST, "destination": QUEUE, "destination_type": "queue", "routing_key": "#", "arguments": {}}
    broker.define(queues=[queue], bindings=[binding])
    return broker


def start_run(folder: Path, broker: Broker, kills: int, events: int) -> "subprocess.Popen[bytes]":
    """Start a run that executes a share of its steps after each kill; a step is two events."""
    workflows = folder / "toys"
    (workflows / "components").mkdir(parents=True)
    for path in (workflows / "__init__.py", workflows / "components" / "__init__.py"):
        path.touch()
    (folder / "kills").write_text("0")
    length = events // 2 // CHAINS + 1
    component = COMPONENT.format(counter=str(folder / "kills"), kills=kills, length=length, chains=CHAINS)
    for name in ("run", "clean"):
        (workflows / f"{name}.py").write_text(WORKFLOW.format(name=name, stays=name == "run"))
    (workflows / "components" / "toy.py").write_text(component)
    env = {**os.environ, "NOVAFLOW_WORKFLOWS": str(workflows), "NOVAFLOW_EVENTS_URL": broker.url}
    with (folder / "output").open("wb") as output:
        return subprocess.Popen(
            [NOVAFLOW, "run", "--wait-ready", folder / "nova"], env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )


async def kill_repeatedly(broker: Broker, counter: Path, kills: int, run: "subprocess.Popen[bytes]") -> None:
    """Kill the broker, each time while the steps that waited for the last kill run."""
    while not broker.has_saved_streams():  # noqa: ASYNC110 - a file sets no anyio.Event
        await anyio.sleep(0.1)
    for kill in range(1, kills + 1):
        counter.write_text(str(kill))
        await anyio.sleep(kill % 10 / 10)  # at another moment each time: during a message, or a confirm
        broker.kill()
        await anyio.to_thread.run_sync(broker.start)
        if kill % 10 == 0:
            print(f"{kill} kills, the run {'has ended' if run.poll() is not None else 'continues'}", flush=True)


async def receive(broker: Broker, received: list[int]) -> None:
    """Add the sequence number of each event that novaflow's subscriber gets."""
    async with subscribe(broker.subscriber_url, begin=Begin.START) as subscription:
        while True:
            received.append((await anext(subscription)).sequence)


def read_queue(broker: Broker, last: int) -> list[int]:
    """Return the sequence numbers of the events in the durable queue, in order of arrival, without repeats."""
    seen: dict[str, int] = {}
    with broker.channel(broker.subscriber_url) as channel:
        for method, _, body in channel.consume(QUEUE, inactivity_timeout=10, auto_ack=True):
            if method is None:
                break
            event = json.loads(body)
            seen.setdefault(event["id"], int(event["sequence"]))
            if len(seen) == last:
                break
        channel.cancel()
    return [*seen.values()]


def check(subscriber: str, received: Iterable[int], last: int) -> bool:
    """Print how many events are missing or out of order, and return whether there are none."""
    numbers = [*received]
    missing = len({*range(1, last + 1)} - {*numbers})
    out_of_order = sum(after <= before for before, after in pairwise(numbers))
    print(f"{subscriber}: {len(numbers)} events, {missing} missing, {out_of_order} out of order")
    return not missing and not out_of_order


if __name__ == "__main__":
    main()
