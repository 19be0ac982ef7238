"""Carrying a journal's events to a broker: all that happens in the publisher's thread."""

import math
import threading
import time
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from novaflow.adapters.amqp.address import BrokerError, ErrorKind
from novaflow.adapters.amqp.connection import Connection
from novaflow.adapters.amqp.inflight import InflightWindow
from novaflow.adapters.amqp.topology import EventLog, LogState, declare_exchange
from novaflow.adapters.amqp.wakeup import Wakeup
from novaflow.adapters.storage.journal import read_journal
from novaflow.adapters.storage.journal_format import Entry, JournalReader
from novaflow.adapters.storage.publish_status import BrokerState, read_cursor, write_cursor
from novaflow.events.record import CONTENT_TYPE
from novaflow.model.probe import Backoff

log = structlog.get_logger(__name__)

_TICK_S = 1.0  # between two looks at the heartbeats of an idle connection
_WINDOW = 256  # events on their way: the sockets take so many at once, and more gave no more speed
_CONFIRM_S = 30  # a broker under load confirmed within 2 s; what takes this long never comes
_SAVE_S = 0.1  # between two notes of the position: what is sent again after a kill
_LOOK_AGAIN_S = 30  # for a log that does not answer; it costs a connection of 10 ms
_SHORTENED = 1000  # characters that stay of the reason when the broker finds an event too large
_BACKOFF = Backoff(first_s=0.02, most_s=2.0, factor=1.6)
_LOG_AGE = timedelta(days=30)  # as the log keeps them
_PERSISTENT = 2  # AMQP's delivery mode


class PublisherThread:
    """Keeps a broker told of everything in a journal, from the position in the cursor file on.

    ``confirmed``, ``broker`` and ``reason`` may be read by any thread.
    """

    def __init__(self, journal: Path, cursor: Path, url: str, exchange: str, event_log: EventLog) -> None:
        self.confirmed = read_cursor(cursor, journal)
        self.broker, self.reason = BrokerState.DOWN, "not connected yet"
        self.wakeup = Wakeup()
        self._journal, self._cursor, self._url, self._exchange = journal, cursor, url, exchange
        self._log = event_log
        self._log_lacks_behind: int | None = None  # what passed while it did not answer; ``None`` if it has all
        self._look_again_at = math.inf
        self._hurry = threading.Event()
        self._leave_at: float | None = None
        self._connection_in_use: Connection | None = None
        self._window = InflightWindow(most=_WINDOW)
        self._moved_at = self._saved_at = 0.0
        self._problems = 0  # since something was last confirmed
        self._is_passing = True
        self._said: set[str] = set()
        self._largest_bytes, self._most_bytes = 0, 1 << 62  # sent over this connection; what the broker takes

    def run(self) -> None:
        """Work until asked to leave: connect, carry, and after any problem begin again behind what is confirmed."""
        while self._leave_at is None:
            try:
                connection = self._connection_in_use = Connection.open(self._url, name="publisher")
                try:
                    self._carry(connection)
                finally:
                    self._save()
                    connection.close()
            except BrokerError as problem:
                self._note(problem)
                self._hurry.wait(_BACKOFF.pause_before(self._problems))
                self._hurry.clear()
        self.broker, self.reason = BrokerState.DOWN, "stopped"

    def hurry(self) -> None:
        """Try again now, if this is a pause after a problem that passes by itself."""
        if self._is_passing:
            self._hurry.set()

    def leave(self, at: float) -> None:
        """Send nothing more; wait until the monotonic time ``at`` for what is on its way, no longer."""
        self._leave_at = at  # before the bells: whoever hears them looks at it
        self._hurry.set()
        self.wakeup.set()

    def abort(self) -> None:
        """Break the connection that the thread is stuck in."""
        if self._connection_in_use is not None:
            self._connection_in_use.abort()

    def _carry(self, connection: Connection) -> None:
        """Send what the journal has and will have, over one connection."""
        self._window = InflightWindow(most=_WINDOW)
        self._largest_bytes = 0
        connection.confirm(self._window.settle)
        connection.on_return("no queue took an event, for the log's is gone; it is made again, and the event sent again")
        declare_exchange(connection, self._exchange)
        mandatory = self._find_log(connection)
        self._become(BrokerState.UP, connection.greeting)
        reader = JournalReader(self._journal, after=self.confirmed)
        waiting: deque[Entry] = deque()
        try:
            while not self._is_over(connection):
                self.wakeup.clear()  # before the look into the journal: what is appended after it rings again
                if not waiting:
                    waiting.extend(reader.read())
                had_some = bool(waiting)
                self._send(connection, waiting, mandatory=mandatory)
                connection.listen(0 if had_some and not waiting else self._patience_s(), self.wakeup.fileno())
                self._process_confirms(connection)
        finally:
            reader.close()

    def _find_log(self, connection: Connection) -> bool:
        """Make or find the log, go back to what it lacks, and return whether it takes events."""
        self._look_again_at = math.inf
        match self._log.declare(connection):
            case LogState.REFUSED:
                return False
            case LogState.MISSING:
                if self._log_lacks_behind is None:
                    self._log_lacks_behind = self.confirmed
                self._look_again_at = time.monotonic() + _LOOK_AGAIN_S
                return False
            case LogState.MADE:
                self.confirmed = self._refill_from()
            case LogState.FOUND if self._log_lacks_behind is not None:
                log.info("log.refilled", events=self.confirmed - self._log_lacks_behind, reason="it did not answer when they passed")
                self.confirmed = min(self.confirmed, self._log_lacks_behind)
        self._log_lacks_behind = None
        return True

    def _refill_from(self) -> int:
        """Return the sequence number behind which a new log is filled: it is to hold as much as the one it replaces."""
        first = next(iter(read_journal(self._journal, since=datetime.now(UTC) - _LOG_AGE)), None)
        behind = first.sequence - 1 if first else self.confirmed
        if behind < self.confirmed:
            log.info("log.refilled", events=self.confirmed - behind, reason="the broker had none, or lost it")
        return min(behind, self.confirmed)

    def _is_over(self, connection: Connection) -> bool:
        if self._window.is_empty and time.monotonic() > self._look_again_at:
            return True
        return self._leave_at is not None and (self._window.is_empty or connection.blocked or time.monotonic() >= self._leave_at)

    def _patience_s(self) -> float:
        return _TICK_S if self._leave_at is None else max(0.0, min(_TICK_S, self._leave_at - time.monotonic()))

    def _send(self, connection: Connection, waiting: deque[Entry], *, mandatory: bool) -> None:
        if waiting and self._window.is_empty:
            self._moved_at = time.monotonic()
        while waiting and self._window.has_room and not connection.blocked and self._leave_at is None:
            entry = waiting.popleft()
            if len(entry.body) > self._most_bytes:
                entry = _shorten(entry)
            record = entry.record
            self._largest_bytes = max(self._largest_bytes, len(entry.body))
            tag = connection.publish(
                entry.body,
                exchange=self._exchange,
                routing_key=record.routing_key,
                mandatory=mandatory,
                content_type=CONTENT_TYPE,
                content_encoding="utf-8",
                delivery_mode=_PERSISTENT,
                message_id=record.id,
                type=record.type,
                application_headers={f"cloudEvents_{name}": value for name, value in record.attributes.items()},
            )
            self._window.add(tag, record)

    def _process_confirms(self, connection: Connection) -> None:
        """See what was confirmed, and whether anything still can be.

        Raises: BrokerError, if the broker confirms nothing for too long without saying that it is blocked.
        """
        now = time.monotonic()
        latest = self._window.confirmed
        if latest is not None and latest.sequence != self.confirmed:
            self.confirmed, self._moved_at = latest.sequence, now
            self._problems = 0
            self._said.clear()
        if self._window.is_empty or now - self._saved_at > _SAVE_S:
            self._save()
        if connection.blocked:
            self._moved_at = now
            self.broker, self.reason = BrokerState.BLOCKED, "the broker's memory or disk is short"
            self._say("broker.blocked", self.reason, "free some on its machine; `rabbitmq-diagnostics alarms` says which")
        elif self.broker is BrokerState.BLOCKED:
            self._become(BrokerState.UP, connection.greeting)
        elif not self._window.is_empty and now - self._moved_at > _CONFIRM_S:
            raise BrokerError(f"the broker confirmed nothing for {_CONFIRM_S} s", "look into its log", ErrorKind.PASSING)

    def _save(self) -> None:
        latest, self._window.confirmed = self._window.confirmed, None
        # What the log lacks is sent again also by the next publisher.
        if latest is None or self._log_lacks_behind is not None:
            return
        self._saved_at = time.monotonic()
        try:
            write_cursor(self._cursor, latest)
        except OSError as error:
            self._say("cursor.unwritten", str(error), "free some space: until then, a restart sends events again, with the same ids")

    def _become(self, broker: BrokerState, reason: str) -> None:
        self.broker, self.reason = broker, reason
        self._say(f"broker.{broker}", reason)

    def _note(self, problem: BrokerError) -> None:
        """Remember the problem, and say it unless it was said since something was last confirmed."""
        self.broker, self.reason = BrokerState.DOWN, str(problem)
        self._problems += 1
        self._is_passing = problem.kind is ErrorKind.PASSING
        if problem.kind is not ErrorKind.ABSENT:
            self._log.expect_anew()
        if problem.kind is ErrorKind.EVENT_TOO_LARGE:
            # Which one was refused is not said: it was among the largest, and half of that passes.
            self._most_bytes = self._largest_bytes // 2
        self._say("broker.down", problem.reason, problem.advice)

    def _say(self, event: str, reason: str, advice: str = "") -> None:
        """Log what is the matter, once until something is confirmed again; what needs no advice is no warning."""
        if reason in self._said:
            return
        self._said.add(reason)
        if advice:
            log.warning(event, reason=reason, advice=advice)
        else:
            log.info(event, reason=reason)


def _shorten(entry: Entry) -> Entry:
    """Return the event with less of its reason, under the same identity: better told in short than missing."""
    event = entry.record.event
    reason = f"{event.reason[:_SHORTENED]} … (shortened; all of it is in the journal)"
    record = replace(entry.record, event=replace(event, reason=reason))
    log.warning("event.shortened", sequence=record.sequence, size=len(entry.body), reason="the broker takes no message of this size")
    return Entry(record, record.encode())
