"""Which events somebody asked to see."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from novaflow.events.record import EventRecord
from novaflow.events.sequence import matches

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class EventFilter:
    """A choice of events; what is empty chooses all.

    ``names`` and ``states`` may hold ``*`` and ``?``, ``pattern`` is an AMQP topic.
    """

    kinds: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    pattern: str = "#"
    since: datetime | None = None
    first: int = 0  # sequence number

    def admits(self, record: EventRecord) -> bool:
        """Whether the event was asked for."""
        event = record.event
        return (
            record.sequence >= self.first
            and (self.since is None or record.time >= self.since)
            and (not self.kinds or event.kind in self.kinds)
            and _is_like_one(event.state, self.states)
            and _is_like_one(event.name, self.names)
            and matches(self.pattern, record.routing_key)
        )


def _is_like_one(text: str, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


def parse_since(text: str, now: datetime) -> datetime | int:
    """Read a sequence number, a time, or how long ago: ``42``, ``2026-11-22T09:12``, ``10m``. A time without zone is local.

    Raises: ValueError, if it is none of these.
    """
    if text.isdecimal():
        return int(text)
    if ago := re.fullmatch(r"(\d+)([smhd])", text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    return datetime.fromisoformat(text).astimezone(UTC)
