"""An event as one line, with the local time of the reader."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from novaflow.events.record import EventRecord
from novaflow.events.types import ComponentEvent, Event, ServiceChanged, ServiceState, StackChanged, StackState
from novaflow.render.as_line import draw_event

READY = ServiceChanged(name="nova-api", state=ServiceState.READY, workflow="run", component="api", reason="answered 200", duration_s=3.206)


def record(event: Event) -> EventRecord:
    """Return the event as the 42nd event of a stack."""
    at = datetime(2026, 11, 22, 23, 12, 33, 204_900, UTC)
    return EventRecord(id="01J", sequence=42, time=at, source="/novaflow/host/nova", run_id="r1", event=event)


@pytest.fixture(params=["UTC", "IST-5:30", "PST8"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Set the time zone of this process."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield str(request.param)
    time.tzset()


def test_a_line_has_the_local_time(zone: str) -> None:
    """To the millisecond, and without the zone."""
    local = {"UTC": "2026-11-22 23:12:33.204", "IST-5:30": "2026-11-23 04:42:33.204", "PST8": "2026-11-22 15:12:33.204"}
    expected = f"{local[zone]}     42  service  nova-api                         ready     answered 200 (3.21 s)"
    assert draw_event(record(READY)) == expected


@pytest.mark.parametrize(
    ("event", "end"),
    [
        (replace(READY, duration_s=None), "service  nova-api                         ready     answered 200"),
        (replace(READY, duration_s=0.0), "service  nova-api                         ready     answered 200 (0.00 s)"),
        (
            StackChanged(name="nova", state=StackState.FAILED, reason="web failed\nits log\n"),
            "stack    nova                             failed    web failed",
        ),
        (
            ComponentEvent(kind="instance", name="5d2f" * 9, state="create-end", reason="notified", data={"duration": 7}),
            "instance 5d2f5d2f5d2f5d2f5d2f5d2f5d2f5d2f5d2f create-end notified",
        ),
    ],
    ids=["without duration", "no time", "several lines", "longer than its columns"],
)
def test_a_line_has_what_the_event_has(event: Event, end: str) -> None:
    """The duration is shown if there is one, the first line of the reason, and long names as they are."""
    assert re.sub(r"^\S+ \S+ +42  ", "", draw_event(record(event))) == end


def test_a_large_sequence_number_is_not_cut() -> None:
    """The columns after it move."""
    assert " 12345678  service  nova-api " in draw_event(replace(record(READY), sequence=12_345_678))
