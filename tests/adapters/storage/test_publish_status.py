"""The progress of publishing, as files show it without a broker."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from novaflow.adapters.storage import Journal, read_cursor, read_journal, read_publish_status
from novaflow.adapters.storage.publish_status import BrokerState, PublishStatus, publish_status_of
from novaflow.events.types import StackChanged, StackState

Append = Callable[[int], None]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Return a journal with three events."""
    journal = Journal(tmp_path / "journal.jsonl", source="/novaflow/host/nova")
    for number in range(3):
        journal.append(StackChanged(name="nova", state=StackState.READY, reason=f"event {number}"), "r1")
    journal.close()
    return tmp_path / "journal.jsonl"


def write_cursor(journal: Path, sequence: int, event_id: str | None = None) -> Path:
    """Write the file that says which event was confirmed last, and return it."""
    ids = {record.sequence: record.id for record in read_journal(journal)}
    cursor = journal.with_name("published")
    cursor.write_text(json.dumps({"sequence": sequence, "id": event_id or ids[sequence]}))
    return cursor


@pytest.mark.parametrize(("sequence", "waiting"), [(1, 2), (3, 0)])
def test_later_events_wait(journal: Path, sequence: int, waiting: int) -> None:
    """The state of the broker is unknown while no supervisor runs, so it counts as down."""
    cursor = write_cursor(journal, sequence)
    assert read_publish_status(journal, cursor) == PublishStatus(sequence, waiting, BrokerState.DOWN, "no supervisor is running")


def test_without_a_cursor_every_event_waits(journal: Path) -> None:
    """Without a journal there is none."""
    assert read_publish_status(journal, journal.with_name("none")).waiting == 3
    assert read_publish_status(journal.with_name("none"), journal.with_name("none")).waiting == 0


@pytest.mark.parametrize("event_id", ["01JABCDEFGHJKMNPQRSTVWXYZ0", "another"])
def test_a_cursor_of_another_journal_is_not_used(journal: Path, event_id: str) -> None:
    """Its event has another id: all events are published again."""
    assert read_cursor(write_cursor(journal, 2, event_id), journal) == 0


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b'{"sequence": "x", "id": "y"}', b'{"sequence": null, "id": "y"}', b"\xff"]
)
def test_a_damaged_cursor_is_logged(journal: Path, content: bytes) -> None:
    """The log entry names the consequence."""
    cursor = journal.with_name("published")
    cursor.write_bytes(content)
    with capture_logs() as logs:
        assert read_cursor(cursor, journal) == 0
    (entry,) = logs
    assert (entry["event"], entry["log_level"]) == ("cursor.unreadable", "warning")
    assert entry["advice"] == "every event is published again, with the same id"


def test_a_folder_in_the_place_of_the_cursor_is_not_used(journal: Path) -> None:
    """It cannot be read."""
    journal.with_name("published").mkdir()
    assert read_cursor(journal.with_name("published"), journal) == 0


def test_a_broker_may_have_more_events_than_the_journal(journal: Path) -> None:
    """The journal was replaced by an older one: no number is negative."""
    assert publish_status_of(journal, 9, BrokerState.BLOCKED, "memory").waiting == 0
