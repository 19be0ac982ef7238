"""The bus: the journal first, then whoever listens."""

from datetime import UTC, datetime

from structlog.testing import capture_logs

from novaflow.engine.bus import EventBus
from novaflow.events.record import EventRecord
from novaflow.events.types import Event, WorkflowChanged, WorkflowState

NOW = datetime(2026, 11, 22, tzinfo=UTC)
STARTED = WorkflowChanged(name="run", state=WorkflowState.STARTED, reason="asked for")


class ToyJournal:
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


def test_the_journal_has_an_event_before_anybody_hears_it() -> None:
    """A sink is told what is kept already, with its place in the sequence and its run."""
    journal, heard = ToyJournal(), list[tuple[EventRecord, bool]]()
    bus = EventBus(journal, "r1", [lambda record: heard.append((record, record in journal.kept))])
    bus.publish(STARTED)
    assert heard == [(journal.kept[0], True)]
    assert (heard[0][0].run_id, heard[0][0].event) == ("r1", STARTED)


def test_a_broken_sink_hurts_nobody_else() -> None:
    """It is logged with its error; the others hear the event, and the teller never knows."""
    journal, heard = ToyJournal(), list[EventRecord]()

    def break_down(_: EventRecord) -> None:
        raise ZeroDivisionError

    bus = EventBus(journal, "r1", [break_down, heard.append])
    with capture_logs() as logs:
        bus.publish(STARTED)
    assert heard == journal.kept
    assert [(entry["event"], entry["sequence"], entry["exc_info"]) for entry in logs] == [("bus.sink_failed", 1, True)]
