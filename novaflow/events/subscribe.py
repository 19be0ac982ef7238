"""Subscribing to a stack's life from any Python program.

    async with subscribe("amqp://subscriber:…@host:5672/novaflow", pattern="*.service.*.ready") as events:
        async for recorded in events:
            print(recorded.time, recorded.event.name)

The subscription survives whatever happens to the broker. Every event comes, in order; one that the broker repeats
comes once. With a position file, a program that is started again goes on where it was: an event counts as dealt with
when the next one is asked for.
"""

import json
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import anyio
import structlog

from novaflow.adapters.amqp import Begin, Listener
from novaflow.events.exchange import EXCHANGE, log_queue
from novaflow.events.record import EventRecord
from novaflow.events.sequence import Gap, SequenceTracker, matches
from novaflow.events.types import InstanceChanged, ServiceChanged, StackChanged, StepChanged, WorkflowChanged

__all__ = [
    "Begin",
    "EventRecord",
    "Gap",
    "InstanceChanged",
    "ServiceChanged",
    "StackChanged",
    "StepChanged",
    "Subscription",
    "WorkflowChanged",
    "subscribe",
]

log = structlog.get_logger(__name__)

_SAVE_S = 0.1  # between two notes of the position


def _say_gap(gap: Gap) -> None:
    log.warning("events.missing", source=gap.source, first=gap.first, last=gap.last)


@asynccontextmanager
async def subscribe(  # noqa: PLR0913 - one place, and options by keyword
    url: str,
    *,
    pattern: str = "#",
    begin: Begin | datetime = Begin.NEW,
    position: Path | None = None,
    exchange: str = EXCHANGE,
    on_gap: Callable[[Gap], None] = _say_gap,
) -> AsyncIterator["Subscription"]:
    """Open a subscription to the events whose routing key matches the AMQP topic ``pattern``.

    ``begin`` counts where ``position``, a file this keeps up to date, does not exist yet.
    """
    place = Position.read(position) if position else None
    order = SequenceTracker()
    if place:
        order.resume(place.source, place.sequence, place.time)
    listener = Listener(url, log_queue(exchange), place.time if place else begin)
    listener.start()
    since = begin if place is None and isinstance(begin, datetime) else None
    subscription = Subscription(listener, Filters(pattern, since, order, on_gap), position)
    try:
        yield subscription
    finally:
        with anyio.CancelScope(shield=True):  # bounded: a second at most
            await anyio.to_thread.run_sync(listener.stop)
        subscription.save()


@dataclass(frozen=True, slots=True)
class Position:
    """The last event that was dealt with."""

    source: str
    sequence: int
    time: datetime

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return what the file says; ``None`` if it says nothing."""
        try:
            content = json.loads(path.read_bytes())
            return cls(str(content["source"]), int(content["sequence"]), datetime.fromisoformat(content["time"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning(
                "position.unreadable", path=str(path), reason=str(error), advice="delete it, or mend it: the subscription begins anew"
            )
            return None

    def write(self, path: Path) -> None:
        """Note the position; a reader sees the old one or the new one."""
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_text(json.dumps({"source": self.source, "sequence": self.sequence, "time": self.time.isoformat()}) + "\n")
        os.replace(fresh, path)  # noqa: PTH105 - in one system call, whatever pathlib does


class Subscription:
    """The events of a subscription, one after the other."""

    def __init__(self, listener: Listener, filters: "Filters", position: Path | None) -> None:
        self._listener, self._filters, self._file = listener, filters, position
        self._ready: deque[EventRecord] = deque()
        self._handed: EventRecord | None = None  # to the caller, who is at work on it
        self._done: EventRecord | None = None  # and not yet noted in the file
        self._saved_at = 0.0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EventRecord:
        """Return the next event; the one before is dealt with."""
        self._done = self._handed or self._done
        if time.monotonic() - self._saved_at > _SAVE_S:
            self.save()
        while True:
            while self._ready:
                self._handed = self._ready.popleft()
                if self._filters.admit(self._handed):
                    return self._handed
                self._done = self._handed
            self._ready.extend(self._listener.take())
            if not self._ready:
                await anyio.wait_readable(self._listener.arrived.fileno())

    def save(self) -> None:
        """Note the position, if it has changed and there is a file for it."""
        if self._file and self._done:
            Position(self._done.source, self._done.sequence, self._done.time).write(self._file)
        self._done = None
        self._saved_at = time.monotonic()


@dataclass(frozen=True, slots=True)
class Filters:
    """What a subscriber wants to see of all that comes, and whom to tell of what does not come."""

    pattern: str
    since: datetime | None
    order: SequenceTracker
    on_gap: Callable[[Gap], None]

    def admit(self, record: EventRecord) -> bool:
        """Whether the event is new, and wanted."""
        if not self.order.is_new(record):
            return False
        if gap := self.order.accept(record):
            self.on_gap(gap)
        return (self.since is None or record.time >= self.since) and matches(self.pattern, record.routing_key)
