"""The publisher's thread: it keeps a connection to the broker, and publishes the journal over it."""

import math
import time
from pathlib import Path

import structlog

from novaflow.adapters.amqp.connection import Connection
from novaflow.adapters.amqp.errors import BrokerError, ErrorKind
from novaflow.adapters.amqp.message import SizeLimit
from novaflow.adapters.amqp.publish_session import PublishSession
from novaflow.adapters.amqp.reconnect import ReconnectLoop
from novaflow.adapters.amqp.replay import ReplayPosition
from novaflow.adapters.amqp.retry_log import RetryLog
from novaflow.adapters.amqp.topology import StreamQueue, StreamState, declare_exchange
from novaflow.adapters.amqp.wakeup import Wakeup
from novaflow.adapters.storage import BrokerState, fix_for
from novaflow.errors import MachineError
from novaflow.model.probe import Backoff

log = structlog.get_logger(__name__)

_HEARTBEAT_CHECK_S = 1.0  # kombu's documentation: around once a second
_SAVE_S = 0.1  # between two writes of the cursor: as much is published again after a kill
_RECHECK_S = 30  # for an unavailable stream queue; a check costs a new connection, 10 ms
_BACKOFF = Backoff(first_s=0.02, most_s=2.0, factor=1.6)


class PublisherThread:
    """Publishes a journal from its replay position, over one connection after another.

    ``confirmed``, ``broker`` and ``reason`` may be read by any thread; ``run`` is the thread.
    """

    def __init__(self, journal: Path, cursor: Path, url: str, exchange: str, stream: StreamQueue) -> None:
        self.broker, self.reason = BrokerState.DOWN, "not connected yet"
        self.wakeup = Wakeup()
        self._exchange, self._stream = exchange, stream
        self._position = ReplayPosition(journal, cursor)
        self._size_limit = SizeLimit()
        self._reconnect = ReconnectLoop(url, "publisher", _BACKOFF)
        self._retry_log = RetryLog(log)
        self._deadline = math.inf

    @property
    def confirmed(self) -> int:
        """Return the sequence number up to which every event is confirmed."""
        return self._position.confirmed

    def run(self) -> None:
        """Publish until ``stop``; after an error, continue after the last confirmed event."""
        self._reconnect.run(self._publish_readable, self._handle_error)
        self.broker, self.reason = BrokerState.DOWN, "stopped"

    def retry_now(self) -> None:
        """Reconnect at once, if the last error is transient."""
        self._reconnect.retry_now()

    def stop(self, deadline: float) -> None:
        """Send no more events; wait for the unconfirmed ones until the monotonic time ``deadline``."""
        self._deadline = deadline
        self._reconnect.stop()
        self.wakeup.set()

    def abort(self) -> None:
        """Break the connection, if the thread is stuck in it."""
        self._reconnect.abort()

    def _publish_readable(self, connection: Connection) -> None:
        """Publish; a journal that cannot be read, for example after an error of the disk, is tried again like a lost connection."""
        try:
            self._publish(connection)
        except (OSError, MachineError) as error:
            raise BrokerError(describe_unreadable(error), kind=ErrorKind.TRANSIENT) from error

    def _publish(self, connection: Connection) -> None:
        declare_exchange(connection, self._exchange)
        stream = self._stream.declare(connection)
        self._position.rewind(stream)
        recheck_at = time.monotonic() + _RECHECK_S if stream is StreamState.UNAVAILABLE else math.inf
        mandatory = stream in {StreamState.FOUND, StreamState.CREATED}
        session = PublishSession(connection, self._exchange, self._position, self._size_limit, mandatory=mandatory)
        self._report_up(connection)
        try:
            while not self._is_over(connection, session, recheck_at):
                self.wakeup.clear()  # before the journal is read: an event that is appended later sets it again
                has_more = not self._reconnect.is_stopping and session.send()
                connection.drain_events(0 if has_more else self._wait_s(), self.wakeup.fileno())
                self._process_confirms(connection, session)
        finally:
            session.close()
            self._save_position()

    def _is_over(self, connection: Connection, session: PublishSession, recheck_at: float) -> bool:
        if self._reconnect.is_stopping:
            return session.is_confirmed or connection.blocked or time.monotonic() >= self._deadline
        return session.is_confirmed and time.monotonic() > recheck_at

    def _wait_s(self) -> float:
        return max(0.0, min(_HEARTBEAT_CHECK_S, self._deadline - time.monotonic()))

    def _process_confirms(self, connection: Connection, session: PublishSession) -> None:
        if session.process_confirms():
            self._reconnect.reset_backoff()
            self._retry_log.reset()
        self._save_position(not_within_s=0.0 if session.is_confirmed else _SAVE_S)
        if connection.blocked:
            self.broker, self.reason = BrokerState.BLOCKED, "the broker has a memory or disk alarm"
            self._retry_log.report(
                "broker.blocked",
                self.reason,
                "free memory or disk space on the machine of the broker; `rabbitmq-diagnostics alarms` shows which",
            )
        elif self.broker is BrokerState.BLOCKED:
            self._report_up(connection)

    def _save_position(self, *, not_within_s: float = 0.0) -> None:
        try:
            self._position.save(not_within_s=not_within_s)
        except OSError as error:
            advice = f"{fix_for(error)}: until then, a restart publishes events again, with the same ids"
            self._retry_log.report("cursor.unwritten", str(error), advice)

    def _report_up(self, connection: Connection) -> None:
        self.broker, self.reason = BrokerState.UP, connection.server
        self._retry_log.report("broker.up", self.reason)

    def _handle_error(self, error: BrokerError) -> None:
        self.broker, self.reason = BrokerState.DOWN, str(error)
        if error.kind is not ErrorKind.NOT_FOUND:
            self._stream.restart_recovery()
        if error.kind is ErrorKind.MESSAGE_TOO_LARGE:
            self._size_limit.lower()
        self._retry_log.report("broker.down", error.reason, error.advice)


def describe_unreadable(error: OSError | MachineError) -> str:
    """Return the reason that the state of the broker has while the journal cannot be read."""
    return f"the journal cannot be read: {error}"
