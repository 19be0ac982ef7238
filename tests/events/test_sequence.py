"""Sequence numbers: new, repeated and missing events; and topic patterns."""

from datetime import UTC, datetime, timedelta

import pytest

from novaflow.events.record import EventRecord
from novaflow.events.sequence import Gap, SequenceTracker, matches
from novaflow.events.types import StackChanged, StackState

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def event(sequence: int, *, source: str = "/novaflow/host/nova", minute: int | None = None) -> EventRecord:
    """Return an event; by default, its sequence number is also its time in minutes after noon."""
    at = NOON + timedelta(minutes=sequence if minute is None else minute)
    changed = StackChanged(name="nova", state=StackState.READY, reason="tested")
    return EventRecord(id=f"{source}{sequence}", sequence=sequence, time=at, source=source, run_id="r", event=changed)


def take_new(tracker: SequenceTracker, *events: EventRecord) -> list[int]:
    """Pass events to the tracker, and return the sequence numbers of the new ones."""
    new = []
    for each in events:
        if tracker.is_new(each):
            tracker.accept(each)
            new.append(each.sequence)
    return new


def test_a_repeat_is_not_new() -> None:
    """After an interruption, a publisher sends unconfirmed events again."""
    assert take_new(SequenceTracker(), event(1), event(2), event(1), event(2), event(3)) == [1, 2, 3]


def test_each_source_has_its_own_sequence() -> None:
    """Two stacks may publish to one broker."""
    assert take_new(SequenceTracker(), event(1), event(1, source="/novaflow/host/other"), event(2)) == [1, 1, 2]


def test_a_new_journal_is_not_a_repeat() -> None:
    """A lower number at a later time means that the stack was deleted and created again."""
    assert take_new(SequenceTracker(), event(7), event(1, minute=8), event(2, minute=9)) == [7, 1, 2]


def test_a_resumed_tracker_knows_the_processed_events() -> None:
    """A restarted subscriber does not get them again."""
    tracker = SequenceTracker()
    tracker.resume("/novaflow/host/nova", 2, event(2).time)
    assert take_new(tracker, event(1), event(2), event(3)) == [3]


def test_a_gap_is_returned_with_its_bounds() -> None:
    """A subscriber notices lost events."""
    tracker = SequenceTracker()
    assert tracker.accept(event(5)) is None
    assert tracker.accept(event(6)) is None
    gap = tracker.accept(event(9))
    assert gap == Gap("/novaflow/host/nova", first=7, last=8)
    assert str(gap) == "events 7 to 8 of /novaflow/host/nova are missing"


@pytest.mark.parametrize(
    ("pattern", "is_match"),
    [
        ("#", True),
        ("nova.service.nova-api.ready", True),
        ("nova.service.*.ready", True),
        ("*.*.*.*", True),
        ("#.ready", True),
        ("nova.#", True),
        ("nova.#.ready", True),
        ("nova.service.nova-api.ready.#", True),
        ("*", False),
        ("*.*.*", False),
        ("nova.step.#", False),
        ("nova.service.nova-api", False),
        ("", False),
    ],
)
def test_patterns_match_as_on_the_broker(pattern: str, is_match: bool) -> None:  # noqa: FBT001 - a column of the table
    """``*`` matches one word, ``#`` any number of words."""
    assert matches(pattern, "nova.service.nova-api.ready") is is_match
