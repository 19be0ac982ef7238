"""Filters of events."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from novaflow.events.record import EventRecord
from novaflow.events.sequence import matches

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Conditions that an event must meet; an empty one is always met.

    ``names`` and ``states`` may contain the wildcards ``*`` and ``?``; ``pattern`` is an AMQP topic pattern.
    """

    kinds: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    pattern: str = "#"
    since: datetime | None = None
    first: int = 0  # sequence number

    def admits(self, record: EventRecord) -> bool:
        """Return whether the event meets all conditions."""
        event = record.event
        return (
            record.sequence >= self.first
            and (self.since is None or record.time >= self.since)
            and (not self.kinds or event.kind in self.kinds)
            and _matches_any(event.state, self.states)
            and _matches_any(event.name, self.names)
            and matches(self.pattern, record.routing_key)
        )


def _matches_any(text: str, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


def parse_since(text: str, now: datetime) -> datetime | int:
    """Parse a sequence number (``42``), a time (``2026-11-22T09:12``, local without a zone) or a time span before ``now`` (``10m``).

    Raises: ValueError, if it is none of these.
    """
    if text.isdecimal():
        return int(text)
    try:
        if ago := re.fullmatch(r"(\d+)([smhd])", text):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside of the years 1 to 9999") from error
