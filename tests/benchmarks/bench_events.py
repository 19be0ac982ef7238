"""Benchmark of events: `python -m tests.benchmarks.bench_events` prints a table; takes a minute, and needs RabbitMQ."""

# ruff: noqa: S603, T201, TID251 - a program that prints, and measures other programs

import json
import os
import resource
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pika  # type: ignore[import-untyped]
from kombu import Connection

from novaflow.adapters.amqp import Publisher
from novaflow.adapters.storage import Journal, read_journal
from novaflow.events.record import CONTENT_TYPE, EventRecord
from novaflow.events.subscribe import subscribe
from novaflow.events.types import ServiceChanged, ServiceState
from tests.support.brokers import Broker

EVENT = ServiceChanged(
    name="nova-api",
    state=ServiceState.READY,
    workflow="run",
    component="nova-api",
    reason="answered GET / with 200",
    duration_s=3.21,
    pid=4711,
    port=8774,
)
SOURCE = "/novaflow/host/nova"
BURST = 20_000  # events appended without a pause
SINGLE = 2_000  # messages published one by one
MILLION = 1_000_000

Row = tuple[str, str, str]


def main() -> None:
    """Run every benchmark, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder))
        broker.start()
        try:
            rows = [*publishing(broker, Path(folder)), *latency(broker, Path(folder))]
        finally:
            broker.stop()
        rows += [*million(Path(folder))]
    print("| what | measured | goal |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows), sep="\n")


def publishing(broker: Broker, folder: Path) -> Iterator[Row]:
    """Measure publishing from the journal to the broker's confirm, beside clients that publish one by one."""
    journal = Journal(folder / "journal.jsonl", source=SOURCE)
    publisher = Publisher(folder / "journal.jsonl", folder / "cursor", broker.url)
    publisher.start()
    append_times = []
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(BURST):
        start = time.perf_counter()
        journal.append(EVENT, "run-1")
        publisher.wake()
        append_times.append(time.perf_counter() - start)
    assert anyio.run(publisher.drain, 60)
    took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    publisher.stop(5)
    body = journal.append(EVENT, "run-1").encode()
    journal.close()
    yield (
        "confirmed publishes a second, from journal to broker",
        f"{BURST / took_s:,.0f} ({cpu_s / BURST * 1e6:.0f} µs of processor each)",
        "5,000",
    )
    yield "appending an event and waking the publisher in a burst, p50 and p99", _in_us(append_times), "under 50 µs"

    with Connection(broker.url, transport_options={"confirm_publish": True}) as connection:
        producer = connection.Producer()
        yield (
            "the same message by kombu, one by one",
            rate(
                lambda: producer.publish(
                    body, exchange="novaflow.events", routing_key="a.b.c.d", content_type=CONTENT_TYPE, content_encoding="utf-8"
                )
            ),
            "1,500 to 1,900",
        )
    with broker.channel() as channel:
        channel.confirm_delivery()
        persistent = pika.BasicProperties(delivery_mode=2)
        yield (
            "the same message by pika, one by one",
            rate(lambda: channel.basic_publish("novaflow.events", "a.b.c.d", body, persistent)),
            "",
        )


def latency(broker: Broker, folder: Path) -> Iterator[Row]:
    """Measure the time to append an event, and from there to a subscriber, at 200 events a second."""
    append_times, latencies = anyio.run(_publish_and_receive, broker, folder)
    yield "appending an event and waking the publisher after a pause of 5 ms, p50 and p99", _in_us(append_times), "under 50 µs"
    hot, cold = (_time_dumps(pause_s) for pause_s in (0, 0.005))
    yield "for comparison, one `json.dumps`: in a burst; after a pause of 5 ms", f"{_in_us(hot)}; {_in_us(cold)}", ""
    yield (
        "change of state to subscriber, p50 and p99",
        f"{_at(latencies, 0.5) * 1e3:.1f} ms, {_at(latencies, 0.99) * 1e3:.1f} ms",
        "5 ms, 25 ms",
    )


def _time_dumps(pause_s: float) -> list[float]:
    """Return the times of a small piece of Python: after a pause, caches are cold and the clock rate is low."""
    event = json.loads(EventRecord(id="01J", sequence=1, time=datetime.now(UTC), source=SOURCE, run_id="run-1", event=EVENT).encode())
    times = []
    for _ in range(1000):
        select.select([], [], [], pause_s)
        start = time.perf_counter()
        json.dumps(event)
        times.append(time.perf_counter() - start)
    return times


async def _publish_and_receive(broker: Broker, folder: Path) -> tuple[list[float], list[float]]:
    journal = Journal(folder / "journal.jsonl", source=SOURCE)
    publisher = Publisher(folder / "journal.jsonl", folder / "cursor", broker.url)
    publisher.start()
    await publisher.drain(10)
    began: dict[int, float] = {}
    append_times: list[float] = []
    latencies: list[float] = []
    async with subscribe(broker.subscriber_url) as events, anyio.create_task_group() as tg:

        async def receive() -> None:
            async for record in events:
                arrived = time.perf_counter()
                latencies.append(arrived - began[record.sequence])

        tg.start_soon(receive)
        await anyio.sleep(0.5)
        for _ in range(1000):
            start = time.perf_counter()
            record = journal.append(EVENT, "run-1")
            publisher.wake()
            append_times.append(time.perf_counter() - start)
            began[record.sequence] = start
            await anyio.sleep(0.005)
        await publisher.drain(10)
        await anyio.sleep(0.2)
        tg.cancel_scope.cancel()
    publisher.stop(2)
    journal.close()
    return append_times, latencies


def million(folder: Path) -> Iterator[Row]:
    """Measure a journal of a million events: opening, the last hundred, all of them."""
    stack = folder / "nova"
    stack.mkdir()
    journal = Journal(stack / "journal.jsonl", source=SOURCE)
    for _ in range(MILLION):
        journal.append(EVENT, "run-1")
    journal.close()
    began = time.perf_counter()
    Journal(stack / "journal.jsonl", source=SOURCE).close()
    yield "opening a journal of a million events", f"{time.perf_counter() - began:.2f} s", ""
    began = time.perf_counter()
    last = list(read_journal(stack / "journal.jsonl", after=MILLION - 100))
    yield "reading its last hundred", f"{(time.perf_counter() - began) * 1e3:.1f} ms ({len(last)} events)", ""
    command = [sys.executable, "-m", "novaflow.cli.main", "events", "--json", "--since", str(MILLION - 99), str(stack)]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=True, env={"PATH": os.defpath, "PYTHONPATH": os.getcwd()})  # noqa: PTH109
    lines = done.stdout.count(b"\n")
    yield "`novaflow events --since` of its last hundred", f"{time.perf_counter() - began:.2f} s ({lines} lines)", "under 0.5 s"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    count = sum(1 for _ in read_journal(stack / "journal.jsonl"))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    yield "reading all of them", f"{time.perf_counter() - began:.1f} s, {grown:.1f} MiB more memory ({count:,} events)", "memory flat"


def rate(act: Callable[[], object]) -> str:
    """Return the calls a second."""
    began = time.perf_counter()
    for _ in range(SINGLE):
        act()
    return f"{SINGLE / (time.perf_counter() - began):,.0f}"


def _in_us(values: list[float]) -> str:
    return f"{_at(values, 0.5) * 1e6:.0f} µs, {_at(values, 0.99) * 1e6:.0f} µs"


def _at(values: list[float], quantile: float) -> float:
    return sorted(values)[int(len(values) * quantile)]


if __name__ == "__main__":
    main()
