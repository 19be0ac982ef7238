"""The replay position: it moves with the confirms, and back where the stream queue lacks events."""

from pathlib import Path

import pytest

from novaflow.adapters.amqp.replay import ReplayPosition
from novaflow.adapters.amqp.topology import StreamState
from novaflow.adapters.storage import Journal, read_cursor
from novaflow.events.record import EventRecord
from novaflow.events.types import StackChanged, StackState


@pytest.fixture
def records(tmp_path: Path) -> list[EventRecord]:
    """Return the three events of a journal."""
    journal = Journal(tmp_path / "journal.jsonl", source="/novaflow/host/nova")
    records = [journal.append(StackChanged(name="nova", state=StackState.READY, reason="tested"), "r") for _ in range(3)]
    journal.close()
    return records


def position_in(folder: Path) -> ReplayPosition:
    """Return the position of a publisher that has just started."""
    return ReplayPosition(folder / "journal.jsonl", folder / "cursor")


def saved_in(folder: Path) -> int:
    """Return the sequence number in the cursor file."""
    return read_cursor(folder / "cursor", folder / "journal.jsonl")


def test_a_saved_position_is_found_again(records: list[EventRecord], tmp_path: Path) -> None:
    """A restart does not publish confirmed events again."""
    position = position_in(tmp_path)
    position.advance(records[1])
    position.save()
    assert position_in(tmp_path).confirmed == 2


def test_a_position_is_not_saved_too_often(records: list[EventRecord], tmp_path: Path) -> None:
    """Under load, the file is written ten times a second."""
    position = position_in(tmp_path)
    position.advance(records[0])
    position.save()
    position.advance(records[1])
    position.save(not_within_s=60)
    assert saved_in(tmp_path) == 1
    position.save()
    assert saved_in(tmp_path) == 2


def test_a_new_stream_queue_is_filled_from_the_journal(records: list[EventRecord], tmp_path: Path) -> None:
    """It is to hold what the lost one held."""
    position = position_in(tmp_path)
    position.advance(records[2])
    position.rewind(StreamState.CREATED)
    assert position.confirmed == 0


def test_events_that_the_stream_queue_lacks_are_replayed_when_it_is_back(records: list[EventRecord], tmp_path: Path) -> None:
    """It was unavailable after the first event."""
    position = position_in(tmp_path)
    position.advance(records[0])
    position.save()
    for _ in range(2):
        position.rewind(StreamState.UNAVAILABLE)
        position.advance(records[2])
    position.rewind(StreamState.FOUND)
    assert position.confirmed == 1


def test_events_that_the_stream_queue_lacks_are_replayed_after_a_restart(records: list[EventRecord], tmp_path: Path) -> None:
    """The cursor file stays behind while the stream queue is unavailable."""
    position = position_in(tmp_path)
    position.advance(records[0])
    position.save()
    position.rewind(StreamState.UNAVAILABLE)
    position.advance(records[2])
    position.save()
    assert position.confirmed == 3
    assert position_in(tmp_path).confirmed == 1


@pytest.mark.parametrize("stream", [StreamState.FOUND, StreamState.REFUSED])
def test_nothing_is_replayed_otherwise(records: list[EventRecord], tmp_path: Path, stream: StreamState) -> None:
    """The stream queue has every event, or there is none."""
    position = position_in(tmp_path)
    position.advance(records[2])
    position.rewind(stream)
    position.save()
    assert position.confirmed == 3
    assert saved_in(tmp_path) == 3
