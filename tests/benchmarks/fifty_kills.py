"""The proof that no event is lost: `python -m tests.benchmarks.fifty_kills`; exit code 1 if there is a gap or a disorder.

A toy stack of thousands of steps is run, as its user would, while the broker that its events go to is killed fifty
times as by a power cut. Two subscribers count what they get: a durable queue that is read by pika, and the library's.
Takes about six minutes, most of which RabbitMQ needs to start.
"""

# ruff: noqa: S603, T201, TID251 - a program for people, that starts others

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

from novaflow.adapters.storage.journal import last_record
from novaflow.events.exchange import EXCHANGE, VHOST
from novaflow.events.subscribe import Begin, subscribe
from novaflow.logs import log_to
from novaflow.model.paths import Paths
from tests.benchmarks.table import NOVAFLOW
from tests.support.brokers import Broker

CHAINS = 10  # of steps, one behind the other
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

KILLS = Path({kills!r})


def body(share):
    async def go(ctx):
        \"\"\"Wait for one's turn.\"\"\"

        async def ask():
            if int(KILLS.read_text() or 0) < share:
                raise NotYet("not my turn")
            return "my turn"

        return await ctx.wait(ask, within_s=3000)

    return go


STEPS = tuple(
    Step(f"s{{chain}}-{{place}}", body(place * {turns} // {length}), 3600, needs=(f"toy.s{{chain}}-{{place - 1}}",) if place else ())
    for chain in range({chains})
    for place in range({length})
)
COMPONENT = Component("toy", "A toy.", {{"run": STEPS}})
"""


def main() -> None:
    """Do it, and print what was counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="how often the broker is killed")
    parser.add_argument("--events", type=int, default=10_000, help="how many events pass meanwhile, at least")
    chosen = parser.parse_args()
    log_to()
    with tempfile.TemporaryDirectory(prefix="nf-kills-") as folder:
        sys.exit(anyio.run(prove, Path(folder), chosen.kills, chosen.events))


async def prove(room: Path, kills: int, events: int) -> int:
    """Run, kill and count; return the exit code."""
    broker = make_broker(room)
    broker.start()
    stack = Paths(room / "nova")
    began = time.monotonic()
    heard: list[int] = []
    try:
        with start_run(room, broker, kills, events) as run:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(hear, broker, heard)
                await kill_often(broker, room / "kills", kills, run)
                if run.wait():
                    sys.exit(f"the run failed: {(room / 'output').read_text()[-2000:]}")
                told = last_record(stack.journal)
                last = told.sequence if told else 0
                with anyio.move_on_after(60):
                    while len(heard) < last:  # noqa: ASYNC110 - a list tells nobody
                        await anyio.sleep(0.1)
                tasks.cancel_scope.cancel()
        good = [count("the library's subscription", heard, last), count("a durable queue, read by pika", read_queue(broker, last), last)]
    finally:
        await anyio.run_process([NOVAFLOW, "clean", str(stack.root)], env={**os.environ, "NOVAFLOW_WORKFLOWS": str(room / "toys")})
        broker.stop()
    if not all(good):
        print((stack.log / "supervisor.log").read_text()[-20_000:])
    print(f"{kills} kills, {last} events, {time.monotonic() - began:.0f} s")
    return 0 if all(good) and last >= events else 1


def make_broker(room: Path) -> Broker:
    """Return a broker with a durable queue that all events go to."""
    (room / "rabbitmq").mkdir()
    broker = Broker(room / "rabbitmq")
    queue = {"name": QUEUE, "vhost": VHOST, "durable": True, "auto_delete": False, "arguments": {}}
    binding = {"source": EXCHANGE, "vhost": VHOST, "destination": QUEUE, "destination_type": "queue", "routing_key": "#", "arguments": {}}
    broker.define(queues=[queue], bindings=[binding])
    return broker


def start_run(room: Path, broker: Broker, kills: int, events: int) -> "subprocess.Popen[bytes]":
    """Start a run in which each kill makes way for a share of the steps; a step is two events."""
    workflows = room / "toys"
    (workflows / "components").mkdir(parents=True)
    for path in (workflows / "__init__.py", workflows / "components" / "__init__.py"):
        path.touch()
    (room / "kills").write_text("0")
    length = events // 2 // CHAINS + 1
    component = COMPONENT.format(kills=str(room / "kills"), turns=kills, length=length, chains=CHAINS)
    for name in ("run", "clean"):
        (workflows / f"{name}.py").write_text(WORKFLOW.format(name=name, stays=name == "run"))
    (workflows / "components" / "toy.py").write_text(component)
    env = {**os.environ, "NOVAFLOW_WORKFLOWS": str(workflows), "NOVAFLOW_EVENTS_URL": broker.url}
    with (room / "output").open("wb") as output:
        return subprocess.Popen(
            [NOVAFLOW, "run", "--wait-ready", room / "nova"], env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )


async def kill_often(broker: Broker, turns: Path, kills: int, run: "subprocess.Popen[bytes]") -> None:
    """Kill the broker so often, each time in the middle of what the last kill made way for."""
    while not broker.remembers_its_streams():  # noqa: ASYNC110 - RabbitMQ's files tell nobody
        await anyio.sleep(0.1)
    for kill in range(1, kills + 1):
        turns.write_text(str(kill))
        await anyio.sleep(kill % 10 / 10)  # at another moment each time: in the first message, in the window, in the confirms
        broker.kill()
        await anyio.to_thread.run_sync(broker.start)
        if kill % 10 == 0:
            print(f"{kill} kills, the run {'is over' if run.poll() is not None else 'goes on'}", flush=True)


async def hear(broker: Broker, heard: list[int]) -> None:
    """Note the number of each event that the library hands over."""
    async with subscribe(broker.subscriber_url, begin=Begin.START) as subscription:
        while True:
            heard.append((await anext(subscription)).sequence)


def read_queue(broker: Broker, last: int) -> list[int]:
    """Return the numbers of the events in the durable queue, in order of arrival, repeats left out."""
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


def count(who: str, got: Iterable[int], last: int) -> bool:
    """Print how many gaps and disorders there are, and return whether there are none."""
    numbers = [*got]
    gaps = len({*range(1, last + 1)} - {*numbers})
    disorders = sum(after <= before for before, after in pairwise(numbers))
    print(f"{who}: {len(numbers)} events, {gaps} missing, {disorders} out of order")
    return not gaps and not disorders


if __name__ == "__main__":
    main()
