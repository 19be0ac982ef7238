"""Order: what is new, what is repeated, what is missing."""

from datetime import UTC, datetime, timedelta

import pytest

from novaflow.events.record import EventRecord
from novaflow.events.sequence import Gap, SequenceTracker, matches
from novaflow.events.types import StackChanged, StackState

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def event(sequence: int, *, source: str = "/novaflow/host/nova", minute: int | None = None) -> EventRecord:
    """Return an event; it happened so many minutes past noon as its number says, unless told otherwise."""
    at = NOON + timedelta(minutes=sequence if minute is None else minute)
    changed = StackChanged(name="nova", state=StackState.READY, reason="tested")
    return EventRecord(id=f"{source}{sequence}", sequence=sequence, time=at, source=source, run_id="r", event=changed)


def take(order: SequenceTracker, *events: EventRecord) -> list[int]:
    """Feed events and return the numbers of the new ones."""
    new = []
    for each in events:
        if order.is_new(each):
            order.accept(each)
            new.append(each.sequence)
    return new


def test_a_repeat_is_not_new() -> None:
    """A publisher that was interrupted sends again what was not confirmed."""
    assert take(SequenceTracker(), event(1), event(2), event(1), event(2), event(3)) == [1, 2, 3]


def test_sources_are_counted_apart() -> None:
    """Two stacks on one broker do not disturb each other."""
    assert take(SequenceTracker(), event(1), event(1, source="/novaflow/host/other"), event(2)) == [1, 1, 2]


def test_a_journal_begun_anew_is_new() -> None:
    """A low number at a later time is no repeat: somebody deleted the stack and made it again."""
    assert take(SequenceTracker(), event(7), event(1, minute=8), event(2, minute=9)) == [7, 1, 2]


def test_a_resumed_order_knows_what_it_saw() -> None:
    """A subscriber that comes back does not get the last events again."""
    order = SequenceTracker()
    order.resume("/novaflow/host/nova", 2, event(2).time)
    assert take(order, event(1), event(2), event(3)) == [3]


def test_a_gap_is_told_with_its_ends() -> None:
    """A subscriber sees a loss."""
    order = SequenceTracker()
    assert order.accept(event(5)) is None
    assert order.accept(event(6)) is None
    gap = order.accept(event(9))
    assert gap == Gap("/novaflow/host/nova", first=7, last=8)
    assert str(gap) == "events 7 to 8 of /novaflow/host/nova are missing"


@pytest.mark.parametrize(
    ("pattern", "fits"),
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
def test_patterns_match_as_on_the_broker(pattern: str, fits: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """A star is one word, a hash any number of them."""
    assert matches(pattern, "nova.service.nova-api.ready") is fits
