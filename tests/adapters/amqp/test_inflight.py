"""Unconfirmed messages: confirms are counted by delivery tag, in whatever order they arrive."""

from datetime import UTC, datetime

from novaflow.adapters.amqp.inflight import UnconfirmedMessages
from novaflow.events.record import EventRecord
from novaflow.events.types import StackChanged, StackState


def unconfirmed(*sequences: int) -> UnconfirmedMessages:
    """Return published events: the first has delivery tag 1, the second 2."""
    messages = UnconfirmedMessages(limit=3)
    for tag, sequence in enumerate(sequences, start=1):
        event = StackChanged(name="nova", state=StackState.READY, reason="tested")
        messages.add(tag, EventRecord(id=str(sequence), sequence=sequence, time=datetime.now(UTC), source="/s", run_id="r", event=event))
    return messages


def take_confirmed(messages: UnconfirmedMessages) -> int | None:
    """Return the sequence number up to which every event is confirmed, if it has changed."""
    record = messages.take_last_confirmed()
    return record.sequence if record else None


def test_a_published_event_is_unconfirmed() -> None:
    """An event that was sent may still be lost."""
    messages = unconfirmed(41)
    assert take_confirmed(messages) is None
    assert not messages.is_empty


def test_one_acknowledgement_may_confirm_many_events() -> None:
    """With ``multiple``, every event up to the delivery tag is confirmed."""
    messages = unconfirmed(41, 42, 43)
    messages.acknowledge(2, multiple=True)
    assert take_confirmed(messages) == 42
    messages.acknowledge(3, multiple=False)
    assert take_confirmed(messages) == 43
    assert messages.is_empty


def test_an_early_acknowledgement_waits_for_the_events_before_it() -> None:
    """The position moves only over events that are confirmed without a gap."""
    messages = unconfirmed(41, 42, 43)
    messages.acknowledge(3, multiple=False)
    messages.acknowledge(2, multiple=False)
    assert take_confirmed(messages) is None
    messages.acknowledge(1, multiple=False)
    assert take_confirmed(messages) == 43


def test_early_acknowledgements_count_after_a_multiple_one() -> None:
    """Both forms of acknowledgement may be mixed."""
    messages = unconfirmed(41, 42, 43)
    messages.acknowledge(3, multiple=False)
    messages.acknowledge(2, multiple=True)
    assert take_confirmed(messages) == 43


def test_a_confirmed_event_is_returned_once() -> None:
    """The position is saved once for each event."""
    messages = unconfirmed(41)
    messages.acknowledge(1, multiple=False)
    assert take_confirmed(messages) == 41
    assert take_confirmed(messages) is None


def test_the_number_of_unconfirmed_events_is_limited() -> None:
    """At the limit, no other event may be published."""
    assert not unconfirmed(41, 42).is_full
    assert unconfirmed(41, 42, 43).is_full
