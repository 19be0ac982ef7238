"""Tells the journal, and then whoever listens."""

from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from novaflow.model.event import Event, Recorded

log = structlog.get_logger()

Sink = Callable[[Recorded], None]


class EventLog(Protocol):
    """Where events are kept for good."""

    def append(self, event: Event, run_id: str) -> Recorded:
        """Keep the event and return it with its identity, time and place in the sequence."""
        ...


class EventBus:
    """The engine's bus for one run: what it is told is in the journal first, then with every sink.

    A sink is called in place and must be quick; whoever must not lose events, or needs time, reads the journal instead.
    """

    def __init__(self, journal: EventLog, run_id: str, sinks: Sequence[Sink]) -> None:
        self._journal, self._run_id, self._sinks = journal, run_id, sinks

    def tell(self, event: Event) -> None:
        """Make the event known."""
        recorded = self._journal.append(event, self._run_id)
        for sink in self._sinks:
            try:
                sink(recorded)
            except Exception:  # a listener cannot hurt the one it listens to
                log.exception("bus.sink_failed", sequence=recorded.sequence)
