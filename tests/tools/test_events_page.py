"""The page that shows each event once: fresh, from a real run, and without the names of the machine it ran on."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from novaflow.events.record import EventRecord
from novaflow.events.types import LISTED, STATES, Event, InstanceChanged, InstanceState, StackChanged, StackState
from tools.events_page import KEPT, PAGE, anonymise, boil_down, main, page, read_kept

ROOT = Path(__file__).parents[2]


def record(event: Event, sequence: int = 1) -> EventRecord:
    """Return the event as something that happened on a machine called ``vm``."""
    return EventRecord(id="01J", sequence=sequence, time=datetime.now(UTC), source="/novaflow/vm/mine", run_id="r", event=event)


def test_the_page_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever changes an event class writes it again: python -m tools.events_page."""
    monkeypatch.chdir(ROOT)
    assert PAGE.read_text() == page(read_kept())


def test_each_kind_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of event came in that run, and each state once at most."""
    monkeypatch.chdir(ROOT)
    types = [record.type for record in read_kept()]
    assert len(types) == len(set(types))
    assert {type(record.event) for record in read_kept()} == set(STATES)
    missing = {f"{cls.kind} {state}" for cls, states in LISTED.items() for state in states} - {
        f"{record.event.kind} {record.event.state}" for record in read_kept()
    }
    # What no run tells yet.
    assert missing == {"step retried", "service unready", "service restarted", "service adopted"}


def test_no_machine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept could have happened anywhere."""
    monkeypatch.chdir(ROOT)
    assert {record.source for record in read_kept()} == {"/novaflow/host/nova"}
    assert not [word for word in ("/tmp", "/root", "/home", "/work", "/lab") if word in KEPT.read_text()]  # noqa: S108 - none is used


def test_of_events_of_one_type_the_one_that_says_most_is_kept() -> None:
    """And of those that say as much, the shortest."""
    long, short = (StackChanged(name="mine", state=StackState.READY, reason=text, duration_s=1.0) for text in ("it is up", "up"))
    bare = StackChanged(name="mine", state=StackState.READY, reason="?")
    assert [kept.event for kept in boil_down([record(event) for event in (bare, long, short)])] == [short]


def test_names_are_replaced(tmp_path: Path) -> None:
    """The stack's, its folder's and its machine's, wherever they stand."""
    instance = InstanceChanged(name="5d2f", state=InstanceState("create-end"), reason=f"see {tmp_path}/log", host="vm")
    replaced = anonymise(record(instance), tmp_path)
    assert isinstance(replaced.event, InstanceChanged)
    assert (replaced.source, replaced.event.host, replaced.event.reason) == ("/novaflow/host/nova", "host", "see /srv/nova/log")
    assert anonymise(record(StackChanged(name="mine", state=StackState.READY, reason="vm is up")), tmp_path).event == StackChanged(
        name="nova", state=StackState.READY, reason="host is up"
    )


def test_a_journal_is_boiled_down_to_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept, and the page from it, are written where they belong."""
    monkeypatch.chdir(ROOT)
    kept = KEPT.read_bytes()
    monkeypatch.chdir(tmp_path)
    KEPT.parent.mkdir(parents=True)
    KEPT.write_bytes(kept)
    main([])
    assert PAGE.read_text() == (ROOT / PAGE).read_text()
