"""Faults of broker, connection and publisher: a subscriber still gets every event, in order."""

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
from novaflow.adapters.storage import BrokerState, Journal, last_record
from novaflow.events.subscribe import Begin, subscribe
from novaflow.events.types import StepChanged, StepState
from tests.support.brokers import Broker, PikaSubscriber, require_rabbitmq

# ruff: noqa: ASYNC220, S603, TID251 - tests start fixed programs, and nothing else runs meanwhile

EVENT = StepChanged(name="fetch", state=StepState.STARTED, workflow="install", component="glance", reason="requested")


class CuttingProxy:
    """A TCP proxy to the broker that cuts each connection after some bytes, in the middle of any frame."""

    def __init__(self, port: int, after_bytes: Iterator[int]) -> None:
        self._port, self._after_bytes = port, after_bytes
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.cuts = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Accept no more connections."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            broker = socket.create_connection(("127.0.0.1", self._port))
            back = threading.Thread(target=self._forward, args=(broker, client, None), daemon=True)
            back.start()
            self._forward(client, broker, next(self._after_bytes, None))
            back.join()
            client.close()
            broker.close()

    def _forward(self, source: socket.socket, target: socket.socket, left: int | None) -> None:
        with suppress(OSError):
            while left != 0 and (data := source.recv(4096 if left is None else min(left, 4096))):
                target.sendall(data)
                left = None if left is None else left - len(data)
        self.cuts += left == 0
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@pytest.mark.slow
async def test_a_cut_connection_loses_nothing(broker: Broker, tmp_path: Path) -> None:
    """Thirty cuts, at any byte of the login, of a message or of a confirm."""
    exchange = "novaflow.events.cut"
    chance = random.Random(1)  # noqa: S311 - not for secrets
    proxy = CuttingProxy(broker.port, (chance.randrange(300, 60_000) for _ in range(30)))
    journal = Journal(tmp_path / "journal.jsonl", source="/novaflow/host/nova")
    for _ in range(1500):
        journal.append(EVENT, "run-1")
    journal.close()
    publisher = Publisher(
        tmp_path / "journal.jsonl", tmp_path / "cursor", broker.url.replace(f":{broker.port}/", f":{proxy.port}/"), exchange=exchange
    )
    with PikaSubscriber(broker.url, exchange) as subscriber:
        publisher.start()
        assert await publisher.drain(40)
        publisher.stop(2)
        proxy.close()
        assert subscriber.sequences(1500) == list(range(1, 1501))
    assert proxy.cuts == 30


PUBLISH = """
import sys
from pathlib import Path
from novaflow.adapters.amqp import Publisher
from novaflow.adapters.storage import Journal
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
        print(publisher.publish_status.published, flush=True)
"""


@pytest.mark.slow
async def test_a_killed_supervisor_loses_nothing(broker: Broker, tmp_path: Path) -> None:
    """After each of five SIGKILLs, the next publisher continues after the last confirmed event."""
    exchange = "novaflow.events.killed"
    with PikaSubscriber(broker.url, exchange) as subscriber:
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
        assert subscriber.sequences(last.sequence) == list(range(1, last.sequence + 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("alarm", "no_alarm"),
    [
        (("set_vm_memory_high_watermark", "absolute", "1000"), ("set_vm_memory_high_watermark", "0.4")),
        (("set_disk_free_limit", "1000GB"), ("set_disk_free_limit", "1MB")),
    ],
    ids=["memory", "disk"],
)
async def test_a_blocked_broker_delays_no_program(
    broker: Broker, tmp_path: Path, alarm: tuple[str, ...], no_alarm: tuple[str, ...]
) -> None:
    """During a memory or disk alarm, appending an event does not wait; after the alarm, every event arrives."""
    exchange = f"novaflow.events.blocked.{alarm[0]}"
    journal = Journal(tmp_path / "journal.jsonl", source="/novaflow/host/nova")
    publisher = Publisher(tmp_path / "journal.jsonl", tmp_path / "cursor", broker.url, exchange=exchange)
    publisher.start()
    with PikaSubscriber(broker.url, exchange) as subscriber:
        journal.append(EVENT, "run-1")
        assert await publisher.drain(10)
        broker.control(*alarm)
        try:
            with anyio.fail_after(10):
                while publisher.publish_status.broker is not BrokerState.BLOCKED:
                    journal.append(EVENT, "run-1")
                    publisher.wake()
                    await anyio.sleep(0.01)
            for _ in range(5000):
                journal.append(EVENT, "run-1")
                publisher.wake()
            assert publisher.publish_status.broker is BrokerState.BLOCKED  # and no append waited for it
        finally:
            broker.control(*no_alarm)
        assert await publisher.drain(30)
        assert subscriber.sequences(journal.sequence) == list(range(1, journal.sequence + 1))
    publisher.stop(2)
    journal.close()


@pytest.mark.slow
async def test_a_subscriber_that_never_acknowledges_delays_no_other(broker: Broker, tmp_path: Path) -> None:
    """The publisher does not wait for it, and another subscriber gets every event."""
    exchange = "novaflow.events.idle"
    journal = Journal(tmp_path / "journal.jsonl", source="/novaflow/host/nova")
    with PikaSubscriber(broker.url, exchange) as subscriber, broker.channel() as idle:
        idle.queue_declare("novaflow.events.idle.queue", exclusive=True)
        idle.queue_bind("novaflow.events.idle.queue", exchange, "#")
        idle.basic_consume("novaflow.events.idle.queue", on_message_callback=lambda *_: None)
        for _ in range(2000):
            journal.append(EVENT, "run-1")
        publisher = Publisher(tmp_path / "journal.jsonl", tmp_path / "cursor", broker.url, exchange=exchange)
        publisher.start()
        assert await publisher.drain(20)
        assert subscriber.sequences(2000) == list(range(1, 2001))
        publisher.stop(2)
    journal.close()


@pytest.mark.slow
async def test_events_are_published_without_permission_for_a_stream_queue(broker: Broker, tmp_path: Path) -> None:
    """It is logged with advice, and subscribers get every event."""
    exchange = "novaflow.events.nolog"
    broker.control("add_user", "limited", "limited")
    broker.control("set_permissions", "-p", "novaflow", "limited", rf"^{exchange}$", rf"^{exchange}$", "^$")
    journal = Journal(tmp_path / "journal.jsonl", source="/novaflow/host/nova")
    for _ in range(10):
        journal.append(EVENT, "run-1")
    publisher = Publisher(
        tmp_path / "journal.jsonl", tmp_path / "cursor", broker.url.replace("novaflow:publish", "limited:limited"), exchange=exchange
    )
    with PikaSubscriber(broker.url, exchange) as subscriber, capture_logs() as logs:
        publisher.start()
        assert await publisher.drain(10)
        assert subscriber.sequences(10) == list(range(1, 11))
        publisher.stop(2)
    journal.close()
    (entry,) = [entry for entry in logs if entry["event"] == "stream.unavailable"]
    assert entry["queue"] == f"{exchange}.log"
    assert "late subscribers will miss" in entry["advice"]


async def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for a condition that another thread or program fulfils."""
    with anyio.fail_after(30):
        while not condition():  # noqa: ASYNC110 - neither sets an anyio.Event
            await anyio.sleep(0.01)


async def count_through_kills(broker: Broker, folder: Path, *, kills: int, events: int) -> list[int]:
    """Publish events while the broker is killed again and again; return what novaflow's subscriber received."""
    journal = Journal(folder / "journal.jsonl", source="/novaflow/host/nova")
    publisher = Publisher(folder / "journal.jsonl", folder / "cursor", broker.url, exchange="novaflow.events.storm")
    publisher.start()
    received: list[int] = []
    killed = anyio.Event()

    async def receive() -> None:
        async with subscribe(broker.url, exchange="novaflow.events.storm", begin=Begin.START) as subscription:
            while len(received) < events:
                received.append((await anext(subscription)).sequence)

    async def publish() -> None:
        while journal.sequence < events:
            # The last events are published after the last kill.
            if journal.sequence < events - 100 or killed.is_set():
                journal.append(EVENT, "run-1")
                publisher.wake()
            await anyio.sleep(0.001)

    async with anyio.create_task_group() as tg:
        tg.start_soon(receive)
        tg.start_soon(publish)
        await wait_for(broker.has_saved_streams)
        for _ in range(kills):
            broker.kill()
            await anyio.to_thread.run_sync(broker.start)
            await wait_for(lambda: publisher.publish_status.broker is BrokerState.UP)
        killed.set()
    publisher.stop(5)
    journal.close()
    return received


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_killed_broker_loses_nothing(tmp_path: Path) -> None:
    """After three kills, novaflow's subscriber and a durable queue have every event, in order."""
    require_rabbitmq()
    broker = Broker(tmp_path)
    broker.start()
    try:
        with PikaSubscriber(broker.url, "novaflow.events.storm") as subscriber:
            subscriber.disconnect()
            assert await count_through_kills(broker, tmp_path, kills=3, events=3000) == list(range(1, 3001))
            subscriber.connect()
            assert subscriber.sequences(3000) == list(range(1, 3001))
    finally:
        broker.stop()
