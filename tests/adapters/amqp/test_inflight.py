"""The window: what is confirmed is counted by delivery tag, in whatever order acknowledgements come."""

from datetime import UTC, datetime

from novaflow.adapters.amqp.inflight import InflightWindow
from novaflow.events.record import EventRecord
from novaflow.events.types import StackChanged, StackState


def a_window(*sequences: int) -> InflightWindow:
    """Return a window with events on their way: the first under delivery tag 1, and so on."""
    window = InflightWindow(most=3)
    for tag, sequence in enumerate(sequences, start=1):
        event = StackChanged(name="nova", state=StackState.READY, reason="tested")
        window.add(tag, EventRecord(id=str(sequence), sequence=sequence, time=datetime.now(UTC), source="/s", run_id="r", event=event))
    return window


def confirmed(window: InflightWindow) -> int | None:
    """Return the sequence number up to which all is confirmed."""
    return window.confirmed.sequence if window.confirmed else None


def test_nothing_is_confirmed_at_first() -> None:
    """What was sent is not yet there."""
    window = a_window(41)
    assert confirmed(window) is None
    assert not window.is_empty


def test_one_acknowledgement_may_mean_many() -> None:
    """With ``multiple``, everything up to the tag is confirmed."""
    window = a_window(41, 42, 43)
    window.settle(2, multiple=True)
    assert confirmed(window) == 42
    window.settle(3, multiple=False)
    assert confirmed(window) == 43
    assert window.is_empty


def test_an_early_acknowledgement_waits_for_those_before_it() -> None:
    """A cursor may only move over what is confirmed without a hole."""
    window = a_window(41, 42, 43)
    window.settle(3, multiple=False)
    window.settle(2, multiple=False)
    assert confirmed(window) is None
    window.settle(1, multiple=False)
    assert confirmed(window) == 43


def test_early_ones_count_after_a_multiple_one() -> None:
    """Both kinds of acknowledgement may be mixed."""
    window = a_window(41, 42, 43)
    window.settle(3, multiple=False)
    window.settle(2, multiple=True)
    assert confirmed(window) == 43


def test_a_window_has_room_until_it_is_full() -> None:
    """Only so many events are on their way at once."""
    assert a_window(41, 42).has_room
    assert not a_window(41, 42, 43).has_room
