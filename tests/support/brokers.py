"""A real RabbitMQ for tests: a private node that can be killed, and leaves no files or processes behind."""

# ruff: noqa: S603, TID251 - tests start fixed programs, and read CI from the environment

import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pika  # type: ignore[import-untyped]
import pytest
from pika.adapters.blocking_connection import BlockingChannel  # type: ignore[import-untyped]

from novaflow.adapters.amqp.connection import Connection
from novaflow.adapters.amqp.errors import BrokerError
from novaflow.events.exchange import PUBLISHER, SUBSCRIBER, VHOST, definitions

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # Debian's; the one in PATH runs only as the user rabbitmq
_START_S = 60
_SILENCE_S = 10


class Broker:
    """A RabbitMQ node with the definitions of a stack's broker."""

    def __init__(self, root: Path) -> None:
        self.port, self._erlang_port = free_ports(2)
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None
        salts = {PUBLISHER: b"salt", SUBSCRIBER: b"pepr"}
        (root / "definitions.json").write_text(
            json.dumps(_with_rpc(definitions({PUBLISHER: "publish", SUBSCRIBER: "listen"}, salts=salts)))
        )
        (root / "plugins").write_text("[].")
        (root / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            f"load_definitions = {root}/definitions.json\n"
            "max_message_size = 65536\n"  # small enough for a test of too large events
            "disk_free_limit.absolute = 1MB\n"
        )

    @property
    def url(self) -> str:
        """Return the publisher's URL."""
        return f"amqp://{PUBLISHER}:publish@127.0.0.1:{self.port}/{VHOST}"

    @property
    def subscriber_url(self) -> str:
        """Return the URL of the user that may subscribe and not publish."""
        return f"amqp://{SUBSCRIBER}:listen@127.0.0.1:{self.port}/{VHOST}"

    @property
    def rpc_url(self) -> str:
        """Return the URL of a user with all permissions in another virtual host, as Nova's services use."""
        return f"amqp://rpc:rpc@127.0.0.1:{self.port}/rpc"

    def start(self) -> None:
        """Start the node, and wait until a login succeeds."""
        with (self._root / "output").open("ab") as output:
            self._process = subprocess.Popen([SERVER], env=self.env, stdout=output, stderr=output, start_new_session=True)
        deadline = time.monotonic() + _START_S
        while not self.answers():
            assert self._process.poll() is None, (self._root / "output").read_text()[-2000:]
            assert time.monotonic() < deadline, "RabbitMQ did not start"
            select.select([], [], [], 0.05)

    def answers(self) -> bool:
        """Return whether a login succeeds."""
        try:
            Connection.open(self.url, name="test").close()
        except BrokerError:
            return False
        return True

    def has_saved_streams(self) -> bool:
        """Return whether the node has saved its first stream queue, which RabbitMQ does 3 s late: a killed node then finds it again."""
        return any(b"rabbit_stream_coordinator" in names.read_bytes() for names in self._root.glob("data/*/coordination/*/names.dets"))

    def save_queues(self) -> None:
        """Make the node save the list of its queues, which it does up to two seconds late."""
        self.control("eval", "ok = mnesia:sync_log().")

    def kill(self) -> None:
        """Kill the node, as a power cut would; its files stay."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End the node; its files are in the test's folder."""
        self.kill()

    def define(self, **more: list[dict[str, Any]]) -> None:
        """Add objects to the definitions that the node loads when it starts, by kind."""
        path = self._root / "definitions.json"
        objects = json.loads(path.read_text())
        path.write_text(json.dumps(objects | {kind: [*objects.get(kind, []), *each] for kind, each in more.items()}))

    @contextmanager
    def channel(self, url: str = "") -> Iterator[BlockingChannel]:
        """Provide a channel of another client, pika; of the publisher's user by default."""
        connection = pika.BlockingConnection(pika.URLParameters(url or self.url))
        try:
            yield connection.channel()
        finally:
            connection.close()

    def read_log(self, exchange: str, count: int) -> list[int]:
        """Return the sequence numbers of the first events in the stream of an exchange."""
        with self.channel() as channel:
            channel.basic_qos(prefetch_count=100)
            events = channel.consume(f"{exchange}.log", arguments={"x-stream-offset": "first"}, inactivity_timeout=_SILENCE_S)
            return [int(json.loads(body)["sequence"]) for _, (_, _, body) in zip(range(count), events, strict=False)]

    def control(self, *argv: str) -> str:
        """Run rabbitmqctl."""
        done = subprocess.run(
            ["/usr/lib/rabbitmq/bin/rabbitmqctl", *argv], env=self.env, capture_output=True, check=True, text=True, timeout=60
        )
        return done.stdout

    @property
    def env(self) -> dict[str, str]:
        """Return the environment in which RabbitMQ's programs work on this node."""
        root = str(self._root)
        # No epmd, which would outlive the node. In the environment, since RabbitMQ starts an Erlang without arguments every minute.
        no_epmd = f"-start_epmd false -erl_epmd_port {self._erlang_port}"
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": root,  # the cookie
            "LC_ALL": "C.UTF-8",
            "RUNNING_UNDER_SYSTEMD": "true",  # the script replaces itself by the node
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._erlang_port),
            "RABBITMQ_MNESIA_BASE": f"{root}/data",
            "RABBITMQ_LOG_BASE": f"{root}/log",
            "RABBITMQ_CONFIG_FILE": f"{root}/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{root}/plugins",
            "ERL_FLAGS": f"{no_epmd} -kernel inet_dist_use_interface {{127,0,0,1}}",
            # Named here, the node does not ask epmd whether the name is in use.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"+sbwt none -sname test{self.port}@localhost",
            "RABBITMQ_CTL_ERL_ARGS": "-dist_listen false",
        }


def _with_rpc(definitions: dict[str, Any]) -> dict[str, Any]:
    permissions = {"user": "rpc", "vhost": "rpc", "configure": ".*", "write": ".*", "read": ".*"}
    rpc: dict[str, list[object]] = {
        "vhosts": [{"name": "rpc"}],
        "users": [{"name": "rpc", "password": "rpc", "tags": []}],
        "permissions": [permissions],
    }
    return definitions | {key: [*definitions[key], *objects] for key, objects in rpc.items()}


class PikaSubscriber:
    """A subscriber that uses pika, not novaflow: its durable queue keeps every event since the subscriber was made."""

    def __init__(self, url: str, exchange: str) -> None:
        self._url = url
        self._queue = f"{exchange}.pika"
        self.connect()
        self._channel.exchange_declare(exchange, "topic", durable=True)
        self._channel.queue_declare(self._queue, durable=True)
        self._channel.queue_bind(self._queue, exchange, "#")

    def connect(self) -> None:
        """Connect."""
        self._connection = pika.BlockingConnection(pika.URLParameters(self._url))
        self._channel = self._connection.channel()

    def disconnect(self) -> None:
        """Disconnect; the queue stays."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.queue_delete(self._queue)
        self._connection.close()

    def next(self) -> tuple[Any, pika.BasicProperties, bytes]:
        """Return the next message."""
        for method, properties, body in self._channel.consume(self._queue, inactivity_timeout=_SILENCE_S):
            assert method is not None, "no message arrived"
            self._channel.basic_ack(method.delivery_tag)
            return method, properties, body
        raise AssertionError

    def events(self, count: int) -> list[dict[str, Any]]:
        """Return the next events; a repeated event counts once, and must have the same id."""
        events: dict[str, dict[str, Any]] = {}
        while len(events) < count:
            event = json.loads(self.next()[2])
            assert events.setdefault(event["sequence"], event)["id"] == event["id"]
        return [*events.values()]

    def sequences(self, count: int) -> list[int]:
        """Return the sequence numbers of the next events, in order of arrival."""
        return [int(event["sequence"]) for event in self.events(count)]


def free_ports(count: int) -> list[int]:
    """Return free TCP ports."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def require_rabbitmq() -> None:
    """Skip the test on a machine without RabbitMQ; fail it in CI."""
    if not SERVER.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("rabbitmq-server is not installed, and CI must not skip")
        pytest.skip("rabbitmq-server is not installed")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Provide a running broker, shared by all tests; each test uses its own exchange."""
    require_rabbitmq()
    broker = Broker(tmp_path_factory.mktemp("rabbitmq"))
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()
