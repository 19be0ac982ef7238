"""Messages that are too large for the broker are shortened; the limit is learned from its refusals."""

from datetime import UTC, datetime

from novaflow.adapters.amqp.message import SizeLimit
from novaflow.adapters.storage import Entry
from novaflow.events.record import EventRecord
from novaflow.events.types import StackChanged, StackState


def entry(reason: str) -> Entry:
    """Return an event with this reason."""
    event = StackChanged(name="nova", state=StackState.FAILED, reason=reason)
    record = EventRecord(id="01J", sequence=1, time=datetime(2026, 11, 22, tzinfo=UTC), source="/s", run_id="r", event=event)
    return Entry(record, record.encode())


def test_without_a_refusal_no_message_is_shortened() -> None:
    """The broker's limit is unknown."""
    large = entry("x" * 100_000)
    assert SizeLimit().fit(large) is large


def test_after_a_refusal_a_large_message_is_shortened_and_a_small_one_is_not() -> None:
    """The event keeps its identity; the limit is half of the largest message since the last refusal."""
    size_limit, small, large = SizeLimit(), entry("x"), entry("x" * 100_000)
    size_limit.fit(large)
    size_limit.lower()
    assert size_limit.fit(small) is small
    shortened = size_limit.fit(large)
    assert shortened.record.id == large.record.id
    assert shortened.record.event.reason == "x" * 1000 + " … (shortened; the journal has all of it)"
    assert shortened.body == shortened.record.encode()


def test_each_refusal_lowers_the_limit() -> None:
    """The first half may still be too large."""
    size_limit, medium = SizeLimit(), entry("x" * 40_000)
    size_limit.fit(entry("x" * 100_000))
    size_limit.lower()
    assert size_limit.fit(medium) is medium
    size_limit.lower()
    assert size_limit.fit(medium) is not medium
