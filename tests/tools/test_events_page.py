"""The page about events: up to date, with examples from a real run, and without names of its machine."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from novaflow.adapters.storage import Journal
from novaflow.events.record import EventRecord
from novaflow.events.types import ComponentEvent, Event, StackChanged, StackState
from tools.event_kinds import describe_kinds
from tools.events_page import EXAMPLES, PAGE, anonymise, main, page, read_examples, select_examples

ROOT = Path(__file__).parents[2]


def record(event: Event, sequence: int = 1) -> EventRecord:
    """Return the event as recorded on a machine called ``vm``."""
    return EventRecord(id="01J", sequence=sequence, time=datetime.now(UTC), source="/novaflow/vm/mine", run_id="r", event=event)


def test_the_page_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a change of event classes: python -m tools.events_page."""
    monkeypatch.chdir(ROOT)
    assert PAGE.read_text() == page(read_examples())


def test_every_kind_has_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each type of event has one example; the listed states have none yet."""
    monkeypatch.chdir(ROOT)
    types = [record.type for record in read_examples()]
    assert len(types) == len(set(types))
    kinds = describe_kinds().values()
    assert {record.event.kind for record in read_examples()} == {kind.name for kind in kinds}
    missing = {f"{kind.name} {state}" for kind in kinds if not kind.open_states for state in kind.states} - {
        f"{record.event.kind} {record.event.state}" for record in read_examples()
    }
    assert missing == {"step retried", "service unready", "service restarted", "service adopted"}


def test_no_machine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples contain no names and folders of their machine."""
    monkeypatch.chdir(ROOT)
    assert {record.source for record in read_examples()} == {"/novaflow/host/nova"}
    assert not [word for word in ("/tmp", "/root", "/home", "/work", "/lab") if word in EXAMPLES.read_text()]  # noqa: S108 - none is used


def test_the_event_with_most_fields_is_selected() -> None:
    """Of events with equally many fields, the shortest is selected."""
    long, short = (StackChanged(name="mine", state=StackState.READY, reason=text, duration_s=1.0) for text in ("it is up", "up"))
    bare = StackChanged(name="mine", state=StackState.READY, reason="?")
    assert [kept.event for kept in select_examples([record(event) for event in (bare, long, short)])] == [short]


def test_names_are_replaced(tmp_path: Path) -> None:
    """The names of the stack, its folder and its machine are replaced everywhere."""
    instance = ComponentEvent(kind="instance", name="5d2f", state="create-end", reason=f"see {tmp_path}/log", data={"host": "vm"})
    replaced = anonymise(record(instance), tmp_path)
    assert isinstance(replaced.event, ComponentEvent)
    assert (replaced.source, replaced.event.data["host"], replaced.event.reason) == ("/novaflow/host/nova", "host", "see /srv/nova/log")
    assert anonymise(record(StackChanged(name="mine", state=StackState.READY, reason="vm is up")), tmp_path).event == StackChanged(
        name="nova", state=StackState.READY, reason="host is up"
    )


def test_the_page_is_written_from_the_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command writes the page from the events that were kept."""
    monkeypatch.chdir(ROOT)
    kept = EXAMPLES.read_bytes()
    monkeypatch.chdir(tmp_path)
    EXAMPLES.parent.mkdir(parents=True)
    EXAMPLES.write_bytes(kept)
    main([])
    assert PAGE.read_text() == (ROOT / PAGE).read_text()


def test_examples_are_selected_from_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command keeps one event of each type, without the names of the machine, and writes the page from them."""
    monkeypatch.chdir(tmp_path)
    EXAMPLES.parent.mkdir(parents=True)
    journal = Journal(tmp_path / "journal.jsonl", source="/novaflow/vm/mine")
    for reason in (f"vm is up, see {tmp_path}/log", "up", "vm is up again"):
        journal.append(StackChanged(name="mine", state=StackState.READY, reason=reason), "r1")
    journal.append(ComponentEvent(kind="instance", name="5d2f", state="create-end", reason="notified"), "r1")
    journal.close()
    main([str(tmp_path / "journal.jsonl")])
    kept = read_examples()
    assert [(one.type, one.event.name, one.event.reason) for one in kept] == [
        ("novaflow.stack.ready", "nova", "up"),
        ("novaflow.instance.create-end", "5d2f", "notified"),
    ]
    page_text = PAGE.read_text()
    assert "### stack ready\n\n`nova.stack.nova.ready`\n" in page_text
    assert "Without an example: starting, degraded, stopping, stopped, failed.\n" in page_text
    assert "Without an example: create-end" not in page_text
    assert str(tmp_path) not in page_text
