"""Publishing over one connection, until it fails."""

import time
from collections import deque

from novaflow.adapters.amqp.connection import Connection
from novaflow.adapters.amqp.errors import BrokerError, ErrorKind
from novaflow.adapters.amqp.inflight import UnconfirmedMessages
from novaflow.adapters.amqp.message import SizeLimit, publish_event
from novaflow.adapters.amqp.replay import ReplayPosition
from novaflow.adapters.storage import Entry

_MAX_UNCONFIRMED = 256  # unconfirmed messages: as many as the sockets buffer; more did not raise the rate
_CONFIRM_S = 30  # a broker under load confirmed within 2 s: after this time it never will
_UNROUTED = "no queue took an event: the stream queue was deleted; it is declared again, and the event is sent again"


class PublishSession:
    """Sends the events after the replay position over one connection, and moves the position as they are confirmed."""

    def __init__(self, connection: Connection, exchange: str, position: ReplayPosition, size_limit: SizeLimit, *, mandatory: bool) -> None:
        self._connection, self._exchange, self._mandatory = connection, exchange, mandatory
        self._position, self._size_limit = position, size_limit
        self._unconfirmed = UnconfirmedMessages(limit=_MAX_UNCONFIRMED)
        self._channel = connection.confirm_channel(self._unconfirmed.acknowledge, unrouted=_UNROUTED)
        self._reader = position.open_journal()
        self._unsent: deque[Entry] = deque()
        self._progress_at = time.monotonic()

    @property
    def is_confirmed(self) -> bool:
        """Whether every event that was sent is confirmed."""
        return self._unconfirmed.is_empty

    def send(self) -> bool:
        """Send the next events of the journal, unless too many are unconfirmed; return whether the journal may have more."""
        if not self._unsent:
            self._unsent.extend(self._reader.read())
        if not self._unsent:
            return False
        if self._unconfirmed.is_empty:
            self._progress_at = time.monotonic()
        while self._unsent and not self._unconfirmed.is_full and not self._connection.blocked:
            entry = self._size_limit.fit(self._unsent.popleft())
            delivery_tag = publish_event(self._channel, entry, exchange=self._exchange, mandatory=self._mandatory)
            self._unconfirmed.add(delivery_tag, entry.record)
        return not self._unsent

    def process_confirms(self) -> bool:
        """Move the position to the last confirmed event; return whether there is one.

        Raises: BrokerError, if the broker confirms nothing for too long, although it is not blocked.
        """
        confirmed = self._unconfirmed.take_last_confirmed()
        if confirmed is not None:
            self._position.advance(confirmed)
        if confirmed is not None or self._connection.blocked:
            self._progress_at = time.monotonic()
        elif not self._unconfirmed.is_empty and time.monotonic() - self._progress_at > _CONFIRM_S:
            raise BrokerError(f"the broker confirmed nothing for {_CONFIRM_S} s", "read the log of the broker", ErrorKind.TRANSIENT)
        return confirmed is not None

    def close(self) -> None:
        """Close the journal, and keep what was confirmed until now."""
        self._reader.close()
        if (confirmed := self._unconfirmed.take_last_confirmed()) is not None:
            self._position.advance(confirmed)
