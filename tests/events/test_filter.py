"""Filters of events, and the beginning that a user requests."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaflow.events.filter import EventFilter, parse_since
from novaflow.events.record import EventRecord
from novaflow.events.types import ServiceChanged, ServiceState
from tests.support.properties import EXAMPLES

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
READY = EventRecord(
    id="01J",
    sequence=42,
    time=NOON,
    source="/novaflow/host/nova",
    run_id="r1",
    event=ServiceChanged(name="nova-api.one", state=ServiceState.READY, workflow="run", component="api", reason="answered"),
)


@pytest.mark.parametrize(
    "events",
    [
        EventFilter(),
        EventFilter(kinds=("step", "service")),
        EventFilter(names=("nova-api.one",)),
        EventFilter(names=("web", "nova-*")),
        EventFilter(names=("nova-???.one",)),
        EventFilter(states=("ready",)),
        EventFilter(states=("re*", "failed")),
        EventFilter(pattern="nova.service.nova-api-one.ready"),
        EventFilter(pattern="#.ready"),
        EventFilter(since=NOON),
        EventFilter(since=NOON - timedelta(days=1)),
        EventFilter(since=datetime(2026, 11, 22, 13, tzinfo=timezone(timedelta(hours=1)))),
        EventFilter(first=42),
        EventFilter(("service",), ("*",), ("ready",), "nova.#", NOON, 1),
    ],
    ids=str,
)
def test_an_event_that_meets_all_conditions_is_admitted(events: EventFilter) -> None:
    """One of several names, kinds or states is enough; the first moment and the first number are included."""
    assert events.admits(READY)


@pytest.mark.parametrize(
    "events",
    [
        EventFilter(kinds=("step",)),
        EventFilter(kinds=("serv*",)),
        EventFilter(names=("nova-api",)),
        EventFilter(names=("NOVA-*",)),
        EventFilter(names=("nova-api-one",)),
        EventFilter(states=("unready",)),
        EventFilter(states=("",)),
        EventFilter(pattern="nova.service.nova-api.one.ready"),
        EventFilter(pattern="*.step.#"),
        EventFilter(since=NOON + timedelta(milliseconds=1)),
        EventFilter(first=43),
        EventFilter(names=("nova-*",), states=("failed",)),
    ],
    ids=str,
)
def test_an_event_that_misses_a_condition_is_not_admitted(events: EventFilter) -> None:
    """Kinds have no wildcards, names are compared with their case, and dots of a name are dashes in the pattern only."""
    assert not events.admits(READY)


@pytest.mark.parametrize(
    ("text", "begin"),
    [
        ("0", 0),
        ("42", 42),
        ("0042", 42),
        ("30s", NOON - timedelta(seconds=30)),
        ("10m", NOON - timedelta(minutes=10)),
        ("36h", NOON - timedelta(hours=36)),
        ("7d", NOON - timedelta(days=7)),
        ("0s", NOON),
        ("2026-11-22T09:12Z", datetime(2026, 11, 22, 9, 12, tzinfo=UTC)),
        ("2026-11-22T09:12:33.204+01:00", datetime(2026, 11, 22, 8, 12, 33, 204_000, UTC)),
        ("2026-11-22 09:12-05:30", datetime(2026, 11, 22, 14, 42, tzinfo=UTC)),
    ],
)
def test_the_beginning_is_a_number_an_age_or_a_time(text: str, begin: datetime | int) -> None:
    """Each has a form of its own."""
    assert parse_since(text, NOON) == begin


def test_a_time_without_a_zone_is_local() -> None:
    """As the user's clock shows it."""
    assert parse_since("2026-11-22T09:12", NOON) == datetime(2026, 11, 22, 9, 12).astimezone(UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "-1",
        "1.5h",
        "10 m",
        "10M",
        "1w",
        "m",
        "2026-13-01",
        "09:12",
        "1000000d",
        "99999999999999999999d",
        "9" * 5000,
        "9999-12-31T23:59-05:00",
        "0001-01-01T00:00+05:00",
    ],
    ids=lambda text: text[:24],
)
def test_another_text_is_no_beginning(text: str) -> None:
    """An age or a time that is outside of the calendar is invalid, too."""
    with pytest.raises(ValueError, match=r"."):
        parse_since(text, NOON)


ZONES = st.integers(-24 * 60 + 1, 24 * 60 - 1).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@EXAMPLES
@given(at=st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=ZONES))  # noqa: DTZ001 - the zones follow
def test_the_time_of_an_event_is_a_beginning(at: datetime) -> None:
    """It can be copied from the output of `events`, whatever the zone."""
    assert parse_since(at.isoformat(), NOON) == at
