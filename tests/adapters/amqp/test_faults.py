"""Faults: whatever happens to broker, connection or publisher, a subscriber has every event, in order."""

import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import anyio
import pytest
from structlog.testing import capture_logs

from novaflow.adapters.amqp import Publisher
from novaflow.adapters.storage.journal import Journal, last_record
from novaflow.adapters.storage.publish_status import BrokerState
from novaflow.events.subscribe import Begin, subscribe
from novaflow.events.types import StepChanged, StepState
from tests.support.brokers import Broker, Ear, require_rabbitmq

# ruff: noqa: ASYNC220, S603, TID251 - the programs tests start are their own, and nothing else runs meanwhile

EVENT = StepChanged(name="fetch", state=StepState.STARTED, workflow="install", component="glance", reason="asked for")


class Cutter:
    """A way to the broker that breaks after some bytes, again and again, in the middle of whatever passes."""

    def __init__(self, port: int, after_bytes: Iterator[int]) -> None:
        self._port, self._after_bytes = port, after_bytes
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.cuts = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            broker = socket.create_connection(("127.0.0.1", self._port))
            back = threading.Thread(target=self._pass_on, args=(broker, client, None), daemon=True)
            back.start()
            self._pass_on(client, broker, next(self._after_bytes, None))
            back.join()
            client.close()
            broker.close()

    def _pass_on(self, source: socket.socket, target: socket.socket, left: int | None) -> None:
        with suppress(OSError):
            while left != 0 and (data := source.recv(4096 if left is None else min(left, 4096))):
                target.sendall(data)
                left = None if left is None else left - len(data)
        self.cuts += left == 0
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


async def test_a_connection_cut_in_mid_window_loses_nothing(broker: Broker, tmp_path: Path) -> None:
    """Thirty cuts at any byte, also of a message's, of an acknowledgement's, of the greeting's."""
    exchange = "novaflow.events.cut"
    chance = random.Random(1)  # noqa: S311 - no secret
    cutter = Cutter(broker.port, (chance.randrange(300, 60_000) for _ in range(30)))
    journal = Journal(tmp_path / "journal.jsonl", source="/novaflow/host/nova")
    for _ in range(1500):
        journal.append(EVENT, "run-1")
    journal.close()
    publisher = Publisher(
        tmp_path / "journal.jsonl", tmp_path / "cursor", broker.url.replace(f":{broker.port}/", f":{cutter.port}/"), exchange=exchange
    )
    with Ear(broker.url, exchange) as ear:
        publisher.start()
        assert await publisher.drain(40)
        publisher.stop(2)
        cutter.close()
        assert ear.sequences(1500) == list(range(1, 1501))
    assert cutter.cuts == 30


PUBLISH = """
import sys
from pathlib import Path
from novaflow.adapters.amqp import Publisher
from novaflow.adapters.storage.journal import Journal
from novaflow.logs import log_to
from tests.adapters.amqp.test_faults import EVENT
log_to()
folder, url, exchange = Path(sys.argv[1]), *sys.argv[2:]
journal = Journal(folder / "journal.jsonl", source="/novaflow/host/nova")
publisher = Publisher(folder / "journal.jsonl", folder / "cursor", url, exchange=exchange)
publisher.start()
while True:
    journal.append(EVENT, "run-1")
    publisher.wake()
    if journal.sequence % 100 == 0:
        print(publisher.standing.published, flush=True)
"""


@pytest.mark.slow
async def test_a_killed_supervisor_loses_nothing(broker: Broker, tmp_path: Path) -> None:
    """Five times SIGKILL while events pass; the next one goes on behind what is confirmed."""
    exchange = "novaflow.events.killed"
    with Ear(broker.url, exchange) as ear:
        for turn in range(1, 6):
            with subprocess.Popen([sys.executable, "-c", PUBLISH, tmp_path, broker.url, exchange], stdout=subprocess.PIPE) as supervisor:
                assert supervisor.stdout is not None
                while int(supervisor.stdout.readline()) < turn * 500:
                    pass
                supervisor.kill()
        publisher = Publisher(tmp_path / "journal.jsonl", tmp_path / "cursor", broker.url, exchange=exchange)
        publisher.start()
        assert await publisher.drain(30)
        publisher.stop(2)
        last = last_record(tmp_path / "journal.jsonl")
        assert last is not None
        assert ear.sequences(last.sequence) == list(range(1, last.sequence + 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("short", "enough"),
    [
        (("set_vm_memory_high_watermark", "absolute", "1000"), ("set_vm_memory_high_watermark", "0.4")),
        (("set_disk_free_limit", "1000GB"), ("set_disk_free_limit", "1MB")),
    ],
    ids=["memory", "disk"],
)
async def test_a_blocked_broker_holds_nobody_up(broker: Broker, tmp_path: Path, short: tuple[str, ...], enough: tuple[str, ...]) -> None:
    """While its memory or disk is short, telling an event costs what it always does; afterwards all of them arrive."""
    exchange = f"novaflow.events.blocked.{short[0]}"
    journal = Journal(tmp_path / "journal.jsonl", source="/novaflow/host/nova")
    publisher = Publisher(tmp_path / "journal.jsonl", tmp_path / "cursor", broker.url, exchange=exchange)
    publisher.start()
    with Ear(broker.url, exchange) as ear:
        journal.append(EVENT, "run-1")
        assert await publisher.drain(10)
        broker.control(*short)
        try:
            with anyio.fail_after(10):
                while publisher.publish_status.broker is not BrokerState.BLOCKED:
                    journal.append(EVENT, "run-1")
                    publisher.wake()
                    await anyio.sleep(0.01)
            for _ in range(5000):
                journal.append(EVENT, "run-1")
                publisher.wake()
            assert publisher.publish_status.broker is BrokerState.BLOCKED  # and still nobody waited for it
        finally:
            broker.control(*enough)
        assert await publisher.drain(30)
        assert ear.sequences(journal.sequence) == list(range(1, journal.sequence + 1))
    publisher.stop(2)
    journal.close()


async def test_a_subscriber_that_never_acknowledges_is_its_own_problem(broker: Broker, tmp_path: Path) -> None:
    """The publisher is not held up, and whoever else subscribes has everything."""
    exchange = "novaflow.events.deaf"
    journal = Journal(tmp_path / "journal.jsonl", source="/novaflow/host/nova")
    with Ear(broker.url, exchange) as ear, broker.channel() as deaf:
        deaf.queue_declare("novaflow.events.deaf.queue", exclusive=True)
        deaf.queue_bind("novaflow.events.deaf.queue", exchange, "#")
        deaf.basic_consume("novaflow.events.deaf.queue", on_message_callback=lambda *_: None)
        for _ in range(2000):
            journal.append(EVENT, "run-1")
        publisher = Publisher(tmp_path / "journal.jsonl", tmp_path / "cursor", broker.url, exchange=exchange)
        publisher.start()
        assert await publisher.drain(20)
        assert ear.sequences(2000) == list(range(1, 2001))
        publisher.stop(2)
    journal.close()


@pytest.mark.slow
async def test_a_broker_that_allows_no_log_still_gets_the_events(broker: Broker, tmp_path: Path) -> None:
    """As one that has no streams, or lost this one for good: it is said, with what to do, and subscribers have everything."""
    exchange = "novaflow.events.nolog"
    broker.control("add_user", "frugal", "frugal")
    broker.control("set_permissions", "-p", "novaflow", "frugal", rf"^{exchange}$", rf"^{exchange}$", "^$")
    journal = Journal(tmp_path / "journal.jsonl", source="/novaflow/host/nova")
    for _ in range(10):
        journal.append(EVENT, "run-1")
    publisher = Publisher(
        tmp_path / "journal.jsonl", tmp_path / "cursor", broker.url.replace("novaflow:publish", "frugal:frugal"), exchange=exchange
    )
    with Ear(broker.url, exchange) as ear, capture_logs() as logs:
        publisher.start()
        assert await publisher.drain(10)
        assert ear.sequences(10) == list(range(1, 11))
        publisher.stop(2)
    journal.close()
    (said,) = [entry for entry in logs if entry["event"] == "log.unavailable"]
    assert said["queue"] == f"{exchange}.log"
    assert "late subscribers will miss" in said["advice"]


async def until(fact: Callable[[], bool]) -> None:
    """Wait for something that another thread or program brings about."""
    with anyio.fail_after(30):
        while not fact():  # noqa: ASYNC110 - neither sets an anyio.Event
            await anyio.sleep(0.01)


async def count_through_kills(broker: Broker, folder: Path, *, kills: int, events: int) -> list[int]:
    """Tell events while the broker is killed again and again, and return what a subscriber of the library got."""
    journal = Journal(folder / "journal.jsonl", source="/novaflow/host/nova")
    publisher = Publisher(folder / "journal.jsonl", folder / "cursor", broker.url, exchange="novaflow.events.storm")
    publisher.start()
    received: list[int] = []
    over = anyio.Event()

    async def receive() -> None:
        async with subscribe(broker.url, exchange="novaflow.events.storm", begin=Begin.START) as subscription:
            while len(received) < events:
                received.append((await anext(subscription)).sequence)

    async def publish() -> None:
        while journal.sequence < events:
            # As many as there is time for, but some left for the last kill.
            if journal.sequence < events - 100 or over.is_set():
                journal.append(EVENT, "run-1")
                publisher.wake()
            await anyio.sleep(0.001)

    async with anyio.create_task_group() as tg:
        tg.start_soon(receive)
        tg.start_soon(publish)
        await until(broker.remembers_its_streams)
        for _ in range(kills):
            broker.kill()
            await anyio.to_thread.run_sync(broker.start)
            await until(lambda: publisher.publish_status.broker is BrokerState.UP)
        over.set()
    publisher.stop(5)
    journal.close()
    return received


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_killed_broker_loses_nothing(tmp_path: Path) -> None:
    """A power cut of the broker, three times while events pass: no gap, no disorder, for us and for a queue of others."""
    require_rabbitmq()
    broker = Broker(tmp_path)
    broker.start()
    try:
        with Ear(broker.url, "novaflow.events.storm") as ear:
            ear.leave()
            assert await count_through_kills(broker, tmp_path, kills=3, events=3000) == list(range(1, 3001))
            ear.come_back()
            assert ear.sequences(3000) == list(range(1, 3001))
    finally:
        broker.stop()
