"""The event bus: the journal first, then the sinks."""

from datetime import UTC, datetime

from structlog.testing import capture_logs

from novaflow.engine.bus import EventBus
from novaflow.events.record import EventRecord
from novaflow.events.types import Event, WorkflowChanged, WorkflowState

NOW = datetime(2026, 11, 22, tzinfo=UTC)
STARTED = WorkflowChanged(name="run", state=WorkflowState.STARTED, reason="requested")


class FakeJournal:
    """Numbers events and keeps them."""

    def __init__(self) -> None:
        self.kept: list[EventRecord] = []

    def append(self, event: Event, run_id: str) -> EventRecord:
        """Keep the event."""
        number = len(self.kept) + 1
        self.kept.append(
            EventRecord(id=str(number), sequence=number, time=datetime.now(UTC), source="/novaflow/h/nova", run_id=run_id, event=event)
        )
        return self.kept[-1]


def test_the_journal_comes_before_the_sinks() -> None:
    """A sink receives an event that is in the journal, with its sequence number and its run."""
    journal, received = FakeJournal(), list[tuple[EventRecord, bool]]()
    bus = EventBus(journal, "r1", [lambda record: received.append((record, record in journal.kept))])
    bus.publish(STARTED)
    assert received == [(journal.kept[0], True)]
    assert (received[0][0].run_id, received[0][0].event) == ("r1", STARTED)


def test_a_broken_sink_is_isolated() -> None:
    """Its error is logged, the other sinks receive the event, and the publisher continues."""
    journal, received = FakeJournal(), list[EventRecord]()

    def fail(_: EventRecord) -> None:
        raise ZeroDivisionError

    bus = EventBus(journal, "r1", [fail, received.append])
    with capture_logs() as logs:
        bus.publish(STARTED)
    assert received == journal.kept
    assert [(entry["event"], entry["sequence"], entry["exc_info"]) for entry in logs] == [("bus.sink_failed", 1, True)]
