"""Tells the journal, and then whoever listens."""

from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from novaflow.events.record import EventRecord
from novaflow.events.types import Event

log = structlog.get_logger()

Sink = Callable[[EventRecord], None]


class EventLog(Protocol):
    """Where events are kept for good."""

    def append(self, event: Event, run_id: str) -> EventRecord:
        """Keep the event and return it with its identity, time and place in the sequence."""
        ...


class EventBus:
    """The engine's bus for one run: what it is told is in the journal first, then with every sink.

    A sink is called in place and must be quick; whoever must not lose events, or needs time, reads the journal instead.
    """

    def __init__(self, journal: EventLog, run_id: str, sinks: Sequence[Sink]) -> None:
        self._journal, self._run_id, self._sinks = journal, run_id, sinks

    def publish(self, event: Event) -> None:
        """Make the event known."""
        record = self._journal.append(event, self._run_id)
        for sink in self._sinks:
            try:
                sink(record)
            except Exception:  # a listener cannot hurt the one it listens to
                log.exception("bus.sink_failed", sequence=record.sequence)
