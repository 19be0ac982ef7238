"""A connection to a broker, made with kombu and owned by one thread; its failures are BrokerErrors."""

import select
import socket
import ssl
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Self

import kombu
from amqp import spec
from amqp.exceptions import AMQPError

from novaflow.adapters.amqp.connection_settings import Failover, connection_settings
from novaflow.adapters.amqp.errors import (
    BrokerError,
    ErrorKind,
    combine_errors,
    describe_failed_connect,
    describe_foreign_server,
    describe_lost_connection,
    describe_refusal,
    describe_refused_login,
)

_FRAME_S = 0.001  # for the rest of a frame whose beginning has arrived; py-amqp keeps what it has read
# Raised by py-amqp when the connection is lost ("it's very annoying that pyamqp sometimes raises AttributeError",
# kombu/transport/pyamqp.py), or when the server is not a broker. Over an open connection they are bugs of novaflow.
_PYAMQP_ERRORS = (AttributeError, KeyError, TypeError, ValueError, struct.error)

OnAck = Callable[[int, bool], None]
OnDelivery = Callable[["Delivery"], None]


class Delivery:
    """A received message."""

    __slots__ = ("_client", "_message", "body")

    def __init__(self, client: kombu.Connection, message: kombu.Message) -> None:
        self._client, self._message = client, message
        body: str | bytes = message.body  # py-amqp decodes a body that has an encoding
        self.body = body.encode() if isinstance(body, str) else bytes(body)

    def ack_multiple(self) -> None:
        """Acknowledge this message and all earlier ones of its channel.

        Raises: BrokerError.
        """
        with _translated(self._client):
            self._message.ack(multiple=True)


class Connection:
    """A connection, for the thread that opened it; only ``abort`` may be called by other threads.

    Every method raises BrokerError if it fails, and then the connection has to be closed.
    ReconnectLoop reconnects, not kombu's ConsumerMixin or Connection.ensure: they sleep for a second between attempts,
    and wait for the socket only, so that neither a stop nor a new event would wake the thread.
    """

    def __init__(self, client: kombu.Connection, failover: Failover) -> None:
        self.address = failover.current
        self.blocked = False
        self._client = client
        # Kept, since these properties of kombu and py-amqp reconnect if the connection is lost.
        self._connection = client.connection
        self._socket: socket.socket = self._connection.sock
        self._connection.on_blocked, self._connection.on_unblocked = self._on_blocked, self._on_unblocked
        self._poller = select.poll()
        self._poller.register(self._socket, select.POLLIN)

    @classmethod
    def open(cls, url: str, *, name: str) -> Self:
        """Connect and log in to the first broker of ``url`` that can be reached; ``name`` is shown by the broker.

        Raises: BrokerError, if no broker can be used.
        """
        failover = Failover(url)
        client = kombu.Connection(**connection_settings(failover, name=name))
        errors: list[BrokerError] = []
        try:
            # Each broker once: the caller waits between attempts.
            client.ensure_connection(
                errback=lambda error, _: errors.append(_describe_failed_open(error, failover)),
                max_retries=len(failover) - 1,
                interval_start=0,
                interval_max=0,
                reraise_as_library_errors=False,
            )
            return cls(client, failover)
        except (AMQPError, OSError, *_PYAMQP_ERRORS) as error:
            client.collect()
            raise combine_errors([*errors, _describe_failed_open(error, failover)]) from error

    @property
    def server(self) -> str:
        """Return the product and version of the broker, for example ``RabbitMQ 3.10.8``."""
        properties: Mapping[str, str] = self._connection.server_properties
        return f"{properties.get('product', 'an AMQP broker')} {properties.get('version', '')}".strip()

    def declare_exchange(self, name: str, kind: str, *, passive: bool = False) -> None:
        """Declare a durable exchange of the type ``kind``; if ``passive``, only check that it exists."""
        with self._temporary_channel() as channel:
            kombu.Exchange(name, kind, durable=True).declare(channel=channel, passive=passive)

    def declare_queue(self, name: str, *, passive: bool = False, arguments: Mapping[str, object] | None = None) -> None:
        """Declare a durable queue; if ``passive``, only check that it exists."""
        with self._temporary_channel() as channel:
            kombu.Queue(name, durable=True, queue_arguments=arguments).queue_declare(channel=channel, passive=passive)

    def bind_queue(self, name: str, exchange: str, routing_key: str = "") -> None:
        """Bind a queue to an exchange."""
        with self._temporary_channel() as channel:
            kombu.Queue(name).bind_to(exchange, routing_key, channel=channel)

    def confirm_channel(self, on_ack: OnAck, *, unrouted: str) -> "ConfirmChannel":
        """Open a channel in confirm mode; a mandatory message that no queue takes raises BrokerError with the reason ``unrouted``."""
        with _translated(self._client):
            channel = self._client.channel()
            channel.events["basic_ack"].add(on_ack)
            channel.events["basic_nack"].add(_raise_nack)
            channel.events["basic_return"].add(_raise_unrouted(unrouted))
            channel.confirm_select()
        return ConfirmChannel(self._client, channel)

    def publish(self, body: bytes, *, exchange: str, routing_key: str, unrouted: str) -> None:
        """Publish JSON, which a queue must take, or ``drain_events`` raises BrokerError with the reason ``unrouted``."""
        with _translated(self._client):
            kombu.Producer(self._client.channel(), on_return=_raise_unrouted(unrouted)).publish(
                body,
                exchange=exchange,
                routing_key=routing_key,
                mandatory=True,
                delivery_mode="transient",
                content_type="application/json",
                content_encoding="utf-8",
            )

    def consume(
        self, queues: Sequence[str], on_delivery: OnDelivery, *, prefetch_count: int, arguments: Mapping[str, object] | None = None
    ) -> None:
        """Consume queues, with at most ``prefetch_count`` unacknowledged messages of each."""
        entities = [kombu.Queue(name, no_declare=True, consumer_arguments=arguments) for name in queues]
        with _translated(self._client):
            self._consumer(entities, on_delivery, prefetch_count=prefetch_count).consume()

    def consume_replies(self, on_delivery: OnDelivery) -> str:
        """Declare a queue that exists as long as this connection, consume it, and return its name."""
        with _translated(self._client):
            consumer = self._consumer([kombu.Queue(exclusive=True, durable=False)], on_delivery, no_ack=True)
            consumer.consume()
            name: str = consumer.queues[0].name
        return name

    def drain_events(self, within_s: float, wakeup: int | None = None) -> None:
        """Handle what the broker has sent, and send heartbeats.

        Wait for it up to ``within_s``, or until the file descriptor ``wakeup`` is readable.
        """
        with _translated(self._client):
            if within_s and not self._has_input():
                self._wait(within_s, wakeup)
            while self._has_input():
                # A frame may be incomplete, and a TLS record may hold none.
                with suppress(TimeoutError):
                    self._client.drain_events(timeout=_FRAME_S)
            self._client.heartbeat_check()

    def close(self) -> None:
        """Close the connection; in order, unless the broker is blocked and so does not answer."""
        if not self.blocked:
            # Messages that arrive until then are handled, and may raise.
            with suppress(AMQPError, OSError, BrokerError, *_PYAMQP_ERRORS):
                self._client.release()
        self._connection.collect()

    def abort(self) -> None:
        """Break the connection, so that the thread that waits for it continues with an error."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _consumer(self, queues: Sequence[kombu.Queue], on_delivery: OnDelivery, **options: object) -> kombu.Consumer:
        def deliver(message: kombu.Message, _error: Exception | None = None) -> None:
            on_delivery(Delivery(self._client, message))

        return kombu.Consumer(self._client.channel(), queues, on_message=deliver, on_decode_error=deliver, **options)

    @contextmanager
    def _temporary_channel(self) -> Iterator[Any]:
        """Open a channel for a request that the broker may refuse, since it closes the channel with the refusal."""
        with _translated(self._client):
            channel = self._client.channel()
            yield channel
            channel.close()

    def _on_blocked(self, _reason: str) -> None:
        self.blocked = True

    def _on_unblocked(self) -> None:
        self.blocked = False

    def _has_input(self) -> bool:
        return (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0) or bool(self._poller.poll(0))

    def _wait(self, within_s: float, wakeup: int | None) -> None:
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        if wakeup is not None:
            poller.register(wakeup, select.POLLIN)
        poller.poll(within_s * 1000)


class ConfirmChannel:
    """A channel in confirm mode, on which many messages may be unconfirmed.

    It uses the channel below kombu's Producer. The Producer's ``confirm_publish`` waits after each message, and accepts
    an acknowledgement with any delivery tag (kombu 5.7): after one timeout, every message counts as confirmed when the
    message before it is.
    """

    def __init__(self, client: kombu.Connection, channel: Any) -> None:  # noqa: ANN401 - py-amqp ships no types
        self._client, self._channel = client, channel
        self._delivery_tag = 0

    def publish(  # noqa: PLR0913 - the arguments of basic.publish, by keyword
        self,
        body: bytes,
        *,
        exchange: str,
        routing_key: str,
        mandatory: bool,
        content_type: str,
        headers: Mapping[str, str],
        properties: Mapping[str, object],
    ) -> int:
        """Send a message and return its delivery tag; it is unconfirmed until ``on_ack`` gets the tag, or a later one.

        Raises: BrokerError.
        """
        with _translated(self._client):
            message = self._channel.prepare_message(
                body, content_type=content_type, content_encoding="utf-8", headers=headers, properties=properties
            )
            # Not basic_publish, which reads the socket before each message and halves the rate.
            self._channel.send_method(spec.Basic.Publish, "Bssbb", (0, exchange, routing_key, mandatory, False), message)
        self._delivery_tag += 1
        return self._delivery_tag


@contextmanager
def _translated(client: kombu.Connection) -> Iterator[None]:
    """Turn what kombu and py-amqp raise over an open connection into a BrokerError."""
    try:
        yield
    except AMQPError as error:
        raise describe_refusal(error.reply_code, str(error.reply_text), error.method_name) from error
    except OSError as error:
        raise describe_lost_connection(error) from error
    except _PYAMQP_ERRORS as error:
        if client.connected:
            raise
        raise describe_lost_connection(error) from error


def _describe_failed_open(error: Exception, failover: Failover) -> BrokerError:
    match error:
        case AMQPError():
            return describe_refused_login(error.reply_code, str(error.reply_text), failover.current)
        case TimeoutError() | OSError(errno=int()):
            return describe_failed_connect(error, failover.current)
        case _:
            return describe_foreign_server(failover.current)


def _raise_nack(_delivery_tag: int, _multiple: bool) -> None:  # noqa: FBT001 - py-amqp's signature
    raise BrokerError("the broker rejected an event; it is sent again", kind=ErrorKind.TRANSIENT)


def _raise_unrouted(reason: str) -> Callable[..., None]:
    def on_return(*_: object) -> None:
        raise BrokerError(reason, kind=ErrorKind.TRANSIENT)

    return on_return
