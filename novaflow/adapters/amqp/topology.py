"""What the publisher declares on a broker: the exchange, and the stream queue that keeps events for late subscribers."""

import time
from contextlib import suppress
from enum import Enum

import structlog

from novaflow.adapters.amqp.connection import Connection
from novaflow.adapters.amqp.errors import BrokerError, ErrorKind
from novaflow.adapters.amqp.retry_log import RetryLog
from novaflow.events.exchange import log_queue, unrouted_exchange

log = structlog.get_logger(__name__)

_RECOVERY_S = 8  # a stream queue of a million events was available 2 s after its broker's port
# RabbitMQ 3.10 saves a node's first stream queue after 3 s only. A node that is killed before never recovers the queue,
# and refuses to delete it.
_ADVICE = (
    "late subscribers will miss earlier events; if it stays unavailable, remove it: "
    """rabbitmqctl eval 'rabbit_amqqueue:internal_delete(rabbit_misc:r(<<"VHOST">>, queue, <<"{queue}">>), <<"novaflow">>).'"""
)
_STREAM_ARGUMENTS = {
    "x-queue-type": "stream",
    "x-max-age": "30D",
    "x-max-length-bytes": 1_000_000_000,  # about a million events
    # Retention removes whole segments: RabbitMQ's default of 500 MB would double the size on disk.
    "x-stream-max-segment-size-bytes": 50_000_000,
}


class StreamState(Enum):
    """State of the stream queue after the publisher has declared it."""

    FOUND = "found"
    CREATED = "created"  # it did not exist, and is empty
    UNAVAILABLE = "unavailable"  # it exists, and does not answer: it may recover, without the events published meanwhile
    REFUSED = "refused"  # the broker has no stream queues, or the user may not declare one


def declare_exchange(connection: Connection, exchange: str) -> None:
    """Declare the exchange of events; without permission to declare it, check that it exists.

    Raises: BrokerError, if it does not exist, or has another type.
    """
    try:
        connection.declare_exchange(exchange, "topic")
    except BrokerError as refusal:
        if refusal.kind is not ErrorKind.ACCESS_REFUSED or not _exists(connection, exchange):
            raise


def _exists(connection: Connection, exchange: str) -> bool:
    try:
        connection.declare_exchange(exchange, "topic", passive=True)
    except BrokerError:
        return False
    return True


class StreamQueue:
    """The stream queue of an exchange, which the publisher declares on each connection.

    While it is unavailable, ``declare`` raises for ``recovery_s``, so that publishing waits for it.
    """

    def __init__(self, exchange: str, *, recovery_s: float = _RECOVERY_S) -> None:
        self._exchange, self._name, self._recovery_s = exchange, log_queue(exchange), recovery_s
        self._unavailable_since: float | None = None
        self._retry_log = RetryLog(log)

    def declare(self, connection: Connection) -> StreamState:
        """Declare the queue and its bindings; events are published even if there is none.

        Raises: BrokerError, if a retry may succeed.
        """
        try:
            state = self._find_or_create(connection)
            self._bind(connection)
        except BrokerError as error:
            is_unavailable = error.kind is ErrorKind.NOT_FOUND
            if error.kind is ErrorKind.TRANSIENT or (is_unavailable and self._is_recovering()):
                raise
            self._retry_log.report("stream.unavailable", error.reason, _ADVICE.format(queue=self._name), queue=self._name)
            return StreamState.UNAVAILABLE if is_unavailable else StreamState.REFUSED
        self.restart_recovery()
        self._retry_log.reset()
        return state

    def restart_recovery(self) -> None:
        """Give the queue its full time to recover: the broker was restarted."""
        self._unavailable_since = None

    def _find_or_create(self, connection: Connection) -> StreamState:
        with suppress(BrokerError):
            connection.declare_queue(self._name, passive=True)
            return StreamState.FOUND
        connection.declare_queue(self._name, arguments=_STREAM_ARGUMENTS)
        return StreamState.CREATED

    def _bind(self, connection: Connection) -> None:
        connection.bind_queue(self._name, self._exchange, "#")
        # A policy makes it the alternate exchange: the queue gets every event even if its binding is lost.
        unrouted = unrouted_exchange(self._exchange)
        connection.declare_exchange(unrouted, "fanout")
        connection.bind_queue(self._name, unrouted)

    def _is_recovering(self) -> bool:
        """Whether the queue may still recover: brokers open their port before their stream queues are available."""
        self._unavailable_since = self._unavailable_since or time.monotonic()
        return time.monotonic() - self._unavailable_since < self._recovery_s
