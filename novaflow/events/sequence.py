"""What a subscriber makes of the order events come in: repeats, gaps, and journals begun anew."""

from dataclasses import dataclass
from datetime import datetime

from novaflow.events.record import EventRecord


@dataclass(frozen=True, slots=True)
class Gap:
    """Events that should have come and did not; ``first`` and ``last`` are sequence numbers."""

    source: str
    first: int
    last: int

    def __str__(self) -> str:
        """Return the gap as a sentence."""
        return f"events {self.first} to {self.last} of {self.source} are missing"


class SequenceTracker:
    """Tells the new from the repeated, by source; a source sends in order, but may send again what it sent."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, datetime]] = {}

    def resume(self, source: str, sequence: int, time: datetime) -> None:
        """Take everything of the source up to this event as seen."""
        self._last[source] = (sequence, time)

    def is_new(self, record: EventRecord) -> bool:
        """Whether the event was not seen before; a low number at a later time is a journal begun anew, not a repeat."""
        last, last_time = self._last.get(record.source, (0, None))
        return last_time is None or record.sequence > last or record.time > last_time

    def accept(self, record: EventRecord) -> Gap | None:
        """Take a new event as seen, and return what is missing before it; ``None`` if nothing is, or nothing was seen before."""
        last, last_time = self._last.get(record.source, (0, None))
        self._last[record.source] = (record.sequence, record.time)
        if last_time is None or record.sequence <= last + 1:
            return None
        return Gap(record.source, last + 1, record.sequence - 1)


def matches(pattern: str, routing_key: str) -> bool:
    """Whether a routing key matches an AMQP topic pattern: ``*`` is one word, ``#`` any number of them, even none."""
    return _matches(pattern.split("."), routing_key.split("."))


def _matches(pattern: list[str], words: list[str]) -> bool:
    if not pattern:
        return not words
    head, rest = pattern[0], pattern[1:]
    if head == "#":
        return any(_matches(rest, words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and head in {"*", words[0]} and _matches(rest, words[1:])
