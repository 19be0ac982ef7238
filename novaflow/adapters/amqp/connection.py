"""The one door to kombu: a connection to a broker, owned by one thread, whose every failure is one sentence."""

import select
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Self

from amqp import Message, spec
from kombu.transport import pyamqp

from novaflow.adapters.amqp.address import Address, BrokerError
from novaflow.adapters.amqp.errors import CONFUSIONS, FAILURES, broken, unreachable

_CONNECT_S = 3.0  # a broker on this machine answers in 10 ms; one far away in less than this
_ANSWER_S = 5.0  # for one answer, or one write: a longer silence is a broken connection
_FRAME_S = 0.05  # for the rest of a frame that has begun to come
_HEARTBEAT_S = 10  # RabbitMQ advises 5 to 20

OnConfirm = Callable[[int, bool], None]
OnDelivery = Callable[["Delivery"], None]


class Delivery:
    """One message that came in; ``accept_all`` makes room for more."""

    __slots__ = ("_message", "body")

    def __init__(self, message: Any) -> None:  # noqa: ANN401 - py-amqp ships no types
        self._message = message
        body: str | bytes = message.body  # py-amqp decodes what has an encoding
        self.body = body.encode() if isinstance(body, str) else bytes(body)

    def accept_all(self) -> None:
        """Acknowledge this message and all before it."""
        with _translated(self._message.channel.connection):
            self._message.channel.basic_ack(self._message.delivery_info["delivery_tag"], multiple=True)


class Connection:
    """A connection with one channel; every method is called by the thread that opened it, but for ``abort``.

    Every method raises BrokerError when the connection is of no more use.
    """

    def __init__(self, address: Address, connection: Any, channel: Any) -> None:  # noqa: ANN401 - py-amqp ships no types
        self.address = address
        self.blocked = False
        self._connection, self._channel = connection, channel
        self._published = 0
        connection.on_blocked = lambda _: self._block(blocked=True)
        connection.on_unblocked = lambda: self._block(blocked=False)
        self._poller = select.poll()
        self._poller.register(connection.sock, select.POLLIN)

    @classmethod
    def open(cls, url: str, *, name: str) -> Self:
        """Connect and log in; ``name`` is what the broker lists the connection under."""
        address = Address.parse(url)
        connection = pyamqp.Connection(
            host=f"[{address.host}]:{address.port}" if ":" in address.host else address.where,
            userid=address.user,
            password=address.password,
            login_method="PLAIN",
            virtual_host=address.vhost,
            ssl=_tls(address),
            connect_timeout=_CONNECT_S,
            heartbeat=_HEARTBEAT_S,
            # So that every wait inside of py-amqp ends: its own have no limit.
            read_timeout=_ANSWER_S,
            write_timeout=_ANSWER_S,
            client_properties={"connection_name": f"novaflow {name}"},
        )
        try:
            connection.connect()
            channel = connection.channel()
        except (*FAILURES, *CONFUSIONS) as error:
            connection.collect()
            raise unreachable(error, address) from error
        return cls(address, connection, channel)

    @property
    def greeting(self) -> str:
        """Return what answered, for example ``RabbitMQ 3.10.8``."""
        properties = self._connection.server_properties
        return f"{properties.get('product', 'an AMQP broker')} {properties.get('version', '')}".strip()

    def confirm(self, on_settled: OnConfirm) -> None:
        """Ask for confirms: ``on_settled`` gets a delivery tag, and whether all before it are meant too."""
        with _translated(self._connection):
            self._channel.events["basic_ack"].add(on_settled)
            self._channel.events["basic_nack"].add(_refuse_nack)
            self._channel.confirm_select()

    def on_return(self, reason: str) -> None:
        """Hold it for a problem, with this reason, if a mandatory message finds no queue."""

        def refuse(*_: object) -> None:
            raise BrokerError(reason)

        self._channel.events["basic_return"].add(refuse)

    def publish(self, body: bytes, *, exchange: str, routing_key: str, mandatory: bool, **properties: object) -> int:
        """Send a message and return its delivery tag; ``properties`` are AMQP's own."""
        with _translated(self._connection):
            # Not basic_publish: it looks at the socket before each message, at twice the price of sending it.
            message = Message(body, **properties)
            self._channel.send_method(spec.Basic.Publish, "Bssbb", (0, exchange, routing_key, mandatory, False), message)
        self._published += 1
        return self._published

    def consume(self, queue: str, on_delivery: OnDelivery, *, prefetch: int, arguments: Mapping[str, object]) -> None:
        """Have the messages of a queue handed to ``on_delivery``, at most ``prefetch`` of them unacknowledged."""
        with _translated(self._connection):
            self._channel.basic_qos(0, prefetch, a_global=False)
            self._channel.basic_consume(queue, callback=lambda message: on_delivery(Delivery(message)), arguments=dict(arguments))

    def reply_queue(self, on_delivery: OnDelivery) -> str:
        """Make a queue that lives as long as this connection, have its messages handed over, and return its name."""
        with _translated(self._connection):
            name: str = self._channel.queue_declare(exclusive=True).queue
            self._channel.basic_consume(name, no_ack=True, callback=lambda message: on_delivery(Delivery(message)))
        return name

    @contextmanager
    def trial(self) -> Iterator[Any]:
        """Lend a channel for something the broker may refuse: a refusal closes the channel, and only it."""
        with _translated(self._connection):
            channel = self._connection.channel()
            yield channel
            channel.close()

    def listen(self, within_s: float, waker: int | None = None) -> None:
        """Handle what the broker says, waiting for it at most so long, or until the descriptor ``waker`` is readable."""
        with _translated(self._connection):
            if within_s and not self._has_input():
                self._wait(within_s, waker)
            while self._has_input():
                # A frame may stay incomplete, a TLS record may hold none: py-amqp keeps what it has read.
                with suppress(TimeoutError):
                    self._connection.blocking_read(_FRAME_S)
            self._connection.heartbeat_tick()

    def close(self) -> None:
        """Say good-bye if the broker listens; a blocked one does not."""
        if not self.blocked:
            # A last message may still come in, and be a problem to the one who listens.
            with suppress(*FAILURES, *CONFUSIONS, BrokerError):
                self._connection.close()
        self._connection.collect()

    def abort(self) -> None:
        """Break the connection; the one method other threads may call, when its own is stuck in it."""
        with suppress(AttributeError, OSError):
            self._connection._transport.sock.shutdown(socket.SHUT_RDWR)  # noqa: SLF001 - the public property reconnects

    def _block(self, *, blocked: bool) -> None:
        self.blocked = blocked

    def _has_input(self) -> bool:
        sock = self._connection.sock
        return (isinstance(sock, ssl.SSLSocket) and sock.pending() > 0) or bool(self._poller.poll(0))

    def _wait(self, within_s: float, waker: int | None) -> None:
        poller = select.poll()
        poller.register(self._connection.sock, select.POLLIN)
        if waker is not None:
            poller.register(waker, select.POLLIN)
        poller.poll(within_s * 1000)


@contextmanager
def _translated(connection: Any) -> Iterator[None]:  # noqa: ANN401 - py-amqp ships no types
    """Turn whatever py-amqp raises over an open connection into a BrokerError."""
    try:
        yield
    except FAILURES as error:
        raise broken(error) from error
    except CONFUSIONS as error:
        if connection is not None and connection.connected:
            raise
        raise broken(error) from error


def _tls(address: Address) -> dict[str, object] | bool:
    if not address.tls:
        return False
    # Both are off in py-amqp unless asked for.
    return {"server_hostname": address.host, "cert_reqs": ssl.CERT_REQUIRED, "ca_certs": address.cacertfile}


def _refuse_nack(delivery_tag: int, multiple: bool) -> None:  # noqa: FBT001 - py-amqp calls it so
    del delivery_tag, multiple
    raise BrokerError("the broker could not take an event; it is sent again")
