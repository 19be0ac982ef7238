"""The event bus: appends each event to the journal, then passes it to the sinks."""

from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from novaflow.events.record import EventRecord
from novaflow.events.types import Event

log = structlog.get_logger()

Sink = Callable[[EventRecord], None]


class EventLog(Protocol):
    """Durable storage of events."""

    def append(self, event: Event, run_id: str) -> EventRecord:
        """Store the event and return it with its id, time and sequence number."""
        ...


class EventBus:
    """Publishes the events of one run to the journal and to sinks.

    A sink is called synchronously and must return quickly. A consumer that needs time, or must not lose events, reads the
    journal instead.
    """

    def __init__(self, journal: EventLog, run_id: str, sinks: Sequence[Sink]) -> None:
        self._journal, self._run_id, self._sinks = journal, run_id, sinks

    def publish(self, event: Event) -> None:
        """Append the event to the journal, then call each sink; an error of a sink is logged."""
        record = self._journal.append(event, self._run_id)
        for sink in self._sinks:
            try:
                sink(record)
            except Exception:  # a broken sink must not stop the publisher
                log.exception("bus.sink_failed", sequence=record.sequence)
