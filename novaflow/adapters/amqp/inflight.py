"""Events in flight to the broker: confirms are counted by delivery tag, since they arrive in any order."""

from collections import deque

from novaflow.events.record import EventRecord


class UnconfirmedMessages:
    """The events published over one channel and not yet confirmed, oldest first; delivery tags count from 1."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._unconfirmed: deque[tuple[int, EventRecord]] = deque()
        self._acked_early: set[int] = set()  # delivery tags acknowledged before an earlier one
        self._last_confirmed: EventRecord | None = None

    @property
    def is_full(self) -> bool:
        """Whether no other event may be published until one is confirmed."""
        return len(self._unconfirmed) >= self._limit

    @property
    def is_empty(self) -> bool:
        """Whether every event is confirmed."""
        return not self._unconfirmed

    def add(self, delivery_tag: int, record: EventRecord) -> None:
        """Add an event that was published."""
        self._unconfirmed.append((delivery_tag, record))

    def acknowledge(self, delivery_tag: int, multiple: bool) -> None:  # noqa: FBT001 - the signature of basic.ack
        """Remove the event with this delivery tag; with ``multiple``, all up to it."""
        if not multiple:
            self._acked_early.add(delivery_tag)
        while self._unconfirmed and (
            (multiple and self._unconfirmed[0][0] <= delivery_tag) or self._unconfirmed[0][0] in self._acked_early
        ):
            tag, self._last_confirmed = self._unconfirmed.popleft()
            self._acked_early.discard(tag)

    def take_last_confirmed(self) -> EventRecord | None:
        """Return the last event that is confirmed together with all before it; ``None`` if none was since the last call."""
        record, self._last_confirmed = self._last_confirmed, None
        return record
