"""Subscriptions to the events of a stack, for any Python program.

    async with subscribe("amqp://subscriber:…@host:5672/novaflow", pattern="*.service.*.ready") as events:
        async for record in events:
            print(record.time, record.event.name)

Every event is delivered once and in order, also across restarts of the broker. With a position file, a program that
is restarted continues after the last event that it processed.
"""

import json
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

from novaflow.adapters.amqp import Begin, SubscriberThread
from novaflow.adapters.storage import write_atomic
from novaflow.events.exchange import EXCHANGE, log_queue
from novaflow.events.record import EventRecord
from novaflow.events.sequence import Gap, SequenceTracker, matches
from novaflow.events.types import ComponentEvent, DiskChanged, ServiceChanged, StackChanged, StepChanged, WorkflowChanged

__all__ = [
    "Begin",
    "ComponentEvent",
    "DiskChanged",
    "EventRecord",
    "Gap",
    "ServiceChanged",
    "StackChanged",
    "StepChanged",
    "Subscription",
    "WorkflowChanged",
    "subscribe",
]

log = structlog.get_logger(__name__)

_SAVE_S = 0.1  # between two writes of the position file


def _log_gap(gap: Gap) -> None:
    log.warning("events.missing", source=gap.source, first=gap.first, last=gap.last)


@asynccontextmanager
async def subscribe(  # noqa: PLR0913 - options, by keyword
    url: str,
    *,
    pattern: str = "#",
    begin: Begin | datetime = Begin.NEW,
    position_file: Path | None = None,
    exchange: str = EXCHANGE,
    on_gap: Callable[[Gap], None] = _log_gap,
) -> AsyncIterator["Subscription"]:
    """Open a subscription to the events whose routing key matches ``pattern``.

    ``url`` is the broker's address; of several, separated by semicolons, the first that can be reached is used. A
    broker that cannot be reached is logged, and tried again.
    ``pattern`` is an AMQP topic for ``STACK.KIND.NAME.STATE``: ``*`` stands for one word, ``#`` for any number of words.
    ``begin`` is the first event: the oldest one that the broker keeps, the next one, or the first since a time.
    ``position_file`` keeps the last event that was processed. If it exists, ``begin`` has no effect.
    ``on_gap`` is called for events that are missing, whether they match ``pattern`` or not; by default, it logs them.
    """
    position = Position.read(position_file) if position_file else None
    tracker = SequenceTracker()
    if position:
        tracker.resume(position.source, position.sequence, position.time)
    since = begin if position is None and isinstance(begin, datetime) else None
    reader = SubscriberThread(url, log_queue(exchange), position.time if position else begin)
    reader.start()
    subscription = Subscription(reader, _Filter(pattern, since, tracker, on_gap), position_file)
    try:
        yield subscription
    finally:
        with anyio.CancelScope(shield=True):  # for a second at most
            await anyio.to_thread.run_sync(reader.stop)
        subscription.save_position()


class Subscription:
    """The events of a subscription, as an asynchronous iterator.

    An event counts as processed when the next one is requested.
    """

    def __init__(self, reader: SubscriberThread, event_filter: "_Filter", position_file: Path | None) -> None:
        self._reader, self._filter, self._position_file = reader, event_filter, position_file
        self._batch: deque[EventRecord] = deque()
        self._current: EventRecord | None = None
        self._processed: EventRecord | None = None  # the last one, if it is not saved
        self._saved_at = 0.0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EventRecord:
        """Return the next event, and count the one before as processed."""
        self._processed = self._current or self._processed
        if time.monotonic() - self._saved_at > _SAVE_S:
            self.save_position()
        while True:
            while self._batch:
                self._current = self._batch.popleft()
                if self._filter.accepts(self._current):
                    return self._current
                self._processed = self._current
            self._batch.extend(self._reader.next_batch())
            if not self._batch:
                await anyio.wait_readable(self._reader.batch_ready.fileno())

    def save_position(self) -> None:
        """Write the position file, if there is one and the position has changed."""
        if self._position_file and self._processed:
            Position(self._processed.source, self._processed.sequence, self._processed.time).write(self._position_file)
        self._processed = None
        self._saved_at = time.monotonic()


@dataclass(frozen=True, slots=True)
class Position:
    """The last event that a subscriber processed."""

    source: str
    sequence: int
    time: datetime

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return the position in the file; ``None`` if there is no such file, or it is damaged, which is logged."""
        try:
            content = json.loads(path.read_bytes())
            return cls(str(content["source"]), int(content["sequence"]), datetime.fromisoformat(content["time"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("position.unreadable", path=str(path), reason=str(error), advice="repair or delete it: it is ignored")
            return None

    def write(self, path: Path) -> None:
        """Replace the file in one step; a reader sees the old position or the new one."""
        content = {"source": self.source, "sequence": self.sequence, "time": self.time.isoformat()}
        write_atomic(path, json.dumps(content) + "\n", 0o644)


@dataclass(frozen=True, slots=True)
class _Filter:
    """The part of all events that a subscription delivers."""

    pattern: str
    since: datetime | None
    tracker: SequenceTracker
    on_gap: Callable[[Gap], None]

    def accepts(self, record: EventRecord) -> bool:
        """Whether the event is neither a repeat nor filtered out; a gap before it is reported."""
        if not self.tracker.is_new(record):
            return False
        if gap := self.tracker.accept(record):
            self.on_gap(gap)
        return (self.since is None or record.time >= self.since) and matches(self.pattern, record.routing_key)
