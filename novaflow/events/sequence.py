"""Sequence numbers of received events: repeats, gaps and new journals; topic patterns."""

from dataclasses import dataclass
from datetime import datetime

from novaflow.events.record import EventRecord


@dataclass(frozen=True, slots=True)
class Gap:
    """Events that were not received; ``first`` and ``last`` are their sequence numbers."""

    source: str
    first: int
    last: int

    def __str__(self) -> str:
        """Return the gap as a sentence."""
        return f"events {self.first} to {self.last} of {self.source} are missing"


class SequenceTracker:
    """Detects repeats and gaps, by source; a source sends its events in order, but may send some again."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, datetime]] = {}

    def resume(self, source: str, sequence: int, time: datetime) -> None:
        """Count all events of the source up to this one as received."""
        self._last[source] = (sequence, time)

    def is_new(self, record: EventRecord) -> bool:
        """Return whether the event was not received before; a lower number at a later time belongs to a new journal."""
        last, last_time = self._last.get(record.source, (0, None))
        return last_time is None or record.sequence > last or record.time > last_time

    def accept(self, record: EventRecord) -> Gap | None:
        """Count a new event as received, and return the gap before it; ``None`` if there is none, or it is the first event."""
        last, last_time = self._last.get(record.source, (0, None))
        self._last[record.source] = (record.sequence, record.time)
        if last_time is None or record.sequence <= last + 1:
            return None
        return Gap(record.source, last + 1, record.sequence - 1)


def matches(pattern: str, routing_key: str) -> bool:
    """Return whether a routing key matches an AMQP topic pattern: ``*`` matches one word, ``#`` any number of words."""
    return _matches(pattern.split("."), routing_key.split("."))


def _matches(pattern: list[str], words: list[str]) -> bool:
    if not pattern:
        return not words
    head, rest = pattern[0], pattern[1:]
    if head == "#":
        return any(_matches(rest, words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and head in {"*", words[0]} and _matches(rest, words[1:])
