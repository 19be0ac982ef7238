"""What the publisher makes on a broker: the exchange, and the stream that keeps the events for late subscribers."""

import time
from contextlib import suppress
from enum import Enum

import structlog

from novaflow.adapters.amqp.address import BrokerError, ErrorKind
from novaflow.adapters.amqp.connection import Connection
from novaflow.events.exchange import log_queue, unrouted_exchange

log = structlog.get_logger(__name__)

_RECOVERY_S = 8  # a stream of a million events was back 2 s after its broker's port
# RabbitMQ 3.10 writes down a node's first stream only after 3 s. A node killed before that never finds it again, and
# refuses to delete it.
_ADVICE = (
    "late subscribers will miss what came before them; if it does not answer for good, remove it: "
    """rabbitmqctl eval 'rabbit_amqqueue:internal_delete(rabbit_misc:r(<<"VHOST">>, queue, <<"{queue}">>), <<"novaflow">>).'"""
)
_LOG_ARGUMENTS = {
    "x-queue-type": "stream",
    "x-max-age": "30D",
    "x-max-length-bytes": 1_000_000_000,  # about a million events
    # A stream forgets by whole segments: RabbitMQ's own 500 MB would double what it keeps.
    "x-stream-max-segment-size-bytes": 50_000_000,
}


class LogState(Enum):
    """How the publisher found the log."""

    FOUND = "found"
    MADE = "made"  # there was none: it holds nothing yet
    MISSING = "missing"  # it exists and does not answer: it may come back, and then lacks what passed meanwhile
    REFUSED = "refused"  # there can be none


def declare_exchange(connection: Connection, exchange: str) -> None:
    """Make the exchange, or accept the one that is there if making is not permitted.

    Raises: BrokerError, if there is none, or one of another type.
    """
    try:
        with connection.trial() as channel:
            channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
    except BrokerError as refused:
        if refused.kind is not ErrorKind.NOT_PERMITTED or not _is_there(connection, exchange):
            raise


def _is_there(connection: Connection, exchange: str) -> bool:
    try:
        with connection.trial() as channel:
            channel.exchange_declare(exchange, "topic", passive=True)
    except BrokerError:
        return False
    return True


class EventLog:
    """The stream that keeps the events, as the publisher finds it over one connection after another.

    One that does not answer is waited for ``patience_s``, counted for each life of the broker.
    """

    def __init__(self, exchange: str, *, patience_s: float = _RECOVERY_S) -> None:
        self._exchange, self._queue, self._patience_s = exchange, log_queue(exchange), patience_s
        self._absent_since: float | None = None
        self._said: set[str] = set()

    def declare(self, connection: Connection) -> LogState:
        """Make the stream, if need be, and bind it.

        A broker that has no streams, does not permit one, or has lost this one, still gets the events.

        Raises: BrokerError, if trying again may help.
        """
        try:
            state = self._make(connection)
            self._bind(connection)
        except BrokerError as problem:
            is_absent = problem.kind is ErrorKind.ABSENT
            if problem.kind is ErrorKind.PASSING or (is_absent and self._is_expected_soon()):
                raise
            if problem.reason not in self._said:
                self._said.add(problem.reason)
                log.warning("log.unavailable", queue=self._queue, reason=problem.reason, advice=_ADVICE.format(queue=self._queue))
            return LogState.MISSING if is_absent else LogState.REFUSED
        self.expect_anew()
        self._said.clear()
        return state

    def expect_anew(self) -> None:
        """Give the log time to come back: the broker went, and what was waited for its predecessor does not count."""
        self._absent_since = None

    def _make(self, connection: Connection) -> LogState:
        with suppress(BrokerError), connection.trial() as channel:
            channel.queue_declare(self._queue, passive=True)
            return LogState.FOUND
        with connection.trial() as channel:
            channel.queue_declare(self._queue, durable=True, exclusive=False, auto_delete=False, arguments=_LOG_ARGUMENTS)
        return LogState.MADE

    def _bind(self, connection: Connection) -> None:
        unrouted = unrouted_exchange(self._exchange)
        with connection.trial() as channel:
            channel.queue_bind(self._queue, self._exchange, routing_key="#")
            # Where a policy names it as the alternate exchange, the log has every event even if its binding is lost.
            channel.exchange_declare(unrouted, "fanout", durable=True, auto_delete=False)
            channel.queue_bind(self._queue, unrouted)

    def _is_expected_soon(self) -> bool:
        """Whether a stream that exists and does not answer may just be on its way: brokers open their port before it is."""
        self._absent_since = self._absent_since or time.monotonic()
        return time.monotonic() - self._absent_since < self._patience_s
