"""A real RabbitMQ for tests: a private node that can be killed, and leaves nothing behind."""

# ruff: noqa: S603, TID251 - the programs tests start are their own, and the environment is what CI says

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

from novaflow.adapters.amqp.address import BrokerError
from novaflow.adapters.amqp.connection import Connection
from novaflow.events.exchange import PUBLISHER, SUBSCRIBER, VHOST, definitions

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # Debian's; the one in PATH insists on a user of its own
_START_S = 60
_SILENCE_S = 10


class Broker:
    """A RabbitMQ node with the definitions novaflow gives to a stack's own."""

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
            "max_message_size = 65536\n"  # so that an event can be too large
            "disk_free_limit.absolute = 1MB\n"
        )

    @property
    def url(self) -> str:
        """Return the publisher's URL."""
        return f"amqp://{PUBLISHER}:publish@127.0.0.1:{self.port}/{VHOST}"

    @property
    def subscriber_url(self) -> str:
        """Return the URL of the user who may only listen."""
        return f"amqp://{SUBSCRIBER}:listen@127.0.0.1:{self.port}/{VHOST}"

    @property
    def rpc_url(self) -> str:
        """Return the URL of somebody who may do anything, in a virtual host of its own: as Nova's services have it."""
        return f"amqp://rpc:rpc@127.0.0.1:{self.port}/rpc"

    def start(self) -> None:
        """Start the node, and wait until one can log in."""
        with (self._root / "output").open("ab") as output:
            self._process = subprocess.Popen([SERVER], env=self.env, stdout=output, stderr=output, start_new_session=True)
        deadline = time.monotonic() + _START_S
        while not self.answers():
            assert self._process.poll() is None, (self._root / "output").read_text()[-2000:]
            assert time.monotonic() < deadline, "RabbitMQ did not come up"
            select.select([], [], [], 0.05)

    def answers(self) -> bool:
        """Return whether one can log in."""
        try:
            Connection.open(self.url, name="test").close()
        except BrokerError:
            return False
        return True

    def remembers_its_streams(self) -> bool:
        """Return whether a killed node would find its streams again: RabbitMQ writes down the first one 3 s late."""
        return any(b"rabbit_stream_coordinator" in names.read_bytes() for names in self._root.glob("data/*/coordination/*/names.dets"))

    def remember_queues(self) -> None:
        """Have the node write down which queues there are, which it does up to two seconds late."""
        self.control("eval", "ok = mnesia:sync_log().")

    def kill(self) -> None:
        """End the node as a power cut would; its files stay."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End the node; its files go with the test's folder."""
        self.kill()

    def define(self, **more: list[dict[str, Any]]) -> None:
        """Have the node make more of what RabbitMQ's definitions know, when it starts."""
        path = self._root / "definitions.json"
        known = json.loads(path.read_text())
        path.write_text(json.dumps(known | {kind: [*known.get(kind, []), *each] for kind, each in more.items()}))

    @contextmanager
    def channel(self, url: str = "") -> Iterator[BlockingChannel]:
        """Lend a channel of an independent client, pika; the publisher's unless another URL is given."""
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
        """Return the environment that makes RabbitMQ's programs this node's."""
        root = str(self._root)
        # No daemon that outlives the node: in the environment, since every minute an Erlang without arguments looks for it.
        alone = f"-start_epmd false -erl_epmd_port {self._erlang_port}"
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": root,  # the cookie
            "LC_ALL": "C.UTF-8",
            "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the node, instead of its parent
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._erlang_port),
            "RABBITMQ_MNESIA_BASE": f"{root}/data",
            "RABBITMQ_LOG_BASE": f"{root}/log",
            "RABBITMQ_CONFIG_FILE": f"{root}/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{root}/plugins",
            "ERL_FLAGS": f"{alone} -kernel inet_dist_use_interface {{127,0,0,1}}",
            # Named here, the node does not ask an epmd whether its name is taken.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"+sbwt none -sname test{self.port}@localhost",
            "RABBITMQ_CTL_ERL_ARGS": "-dist_listen false",
        }


def _with_rpc(ours: dict[str, Any]) -> dict[str, Any]:
    anything = {"user": "rpc", "vhost": "rpc", "configure": ".*", "write": ".*", "read": ".*"}
    theirs: dict[str, list[object]] = {
        "vhosts": [{"name": "rpc"}],
        "users": [{"name": "rpc", "password": "rpc", "tags": []}],
        "permissions": [anything],
    }
    return ours | {key: [*ours[key], *more] for key, more in theirs.items()}


class Ear:
    """A subscriber that is none of ours: pika, with a durable queue that has everything from before it listened."""

    def __init__(self, url: str, exchange: str) -> None:
        self._url = url
        self._queue = f"{exchange}.ear"
        self.come_back()
        self._channel.exchange_declare(exchange, "topic", durable=True)
        self._channel.queue_declare(self._queue, durable=True)
        self._channel.queue_bind(self._queue, exchange, "#")

    def come_back(self) -> None:
        """Connect; the queue may have been there for long."""
        self._connection = pika.BlockingConnection(pika.URLParameters(self._url))
        self._channel = self._connection.channel()

    def leave(self) -> None:
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
            assert method is not None, "no message came"
            self._channel.basic_ack(method.delivery_tag)
            return method, properties, body
        raise AssertionError

    def events(self, count: int) -> list[dict[str, Any]]:
        """Return so many events; a repeated one counts once, and has to be the very same."""
        events: dict[str, dict[str, Any]] = {}
        while len(events) < count:
            event = json.loads(self.next()[2])
            assert events.setdefault(event["sequence"], event)["id"] == event["id"]
        return [*events.values()]

    def sequences(self, count: int) -> list[int]:
        """Return so many sequence numbers, in the order they came first."""
        return [int(event["sequence"]) for event in self.events(count)]


def free_ports(count: int) -> list[int]:
    """Return ports nobody listens on."""
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
    """Lend a running broker, shared by all tests: each takes an exchange of its own."""
    require_rabbitmq()
    broker = Broker(tmp_path_factory.mktemp("rabbitmq"))
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()
