"""Old events are removed from a large journal, and nothing that is still needed."""

from pathlib import Path

import anyio
import pytest

from novaflow.adapters.storage import Journal, JournalReader, compact_journal, read_journal
from novaflow.events.types import StepChanged, StepState

EVENT = StepChanged(name="fetch", state=StepState.STARTED, workflow="install", component="glance", reason="requested")
COUNT = 200


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a journal with many events."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, source="/novaflow/host/nova")
    for _ in range(COUNT):
        journal.append(EVENT, "run-1")
    journal.close()
    return path


def sequences(path: Path) -> list[int]:
    """Return the sequence numbers of the journal."""
    return [record.sequence for record in read_journal(path)]


def test_the_newest_events_stay(path: Path) -> None:
    """They are complete lines, and the sequence continues."""
    compact_journal(path, published=COUNT, largest=1000, kept=5000)
    assert path.stat().st_size <= 5000
    found = sequences(path)
    assert found == [*range(found[0], COUNT + 1)]
    assert len(found) > 5
    journal = Journal(path, source="/novaflow/host/nova")
    assert journal.append(EVENT, "run-2").sequence == COUNT + 1
    journal.close()


def test_events_that_are_not_confirmed_stay(path: Path) -> None:
    """Also the last confirmed one, which shows that the cursor belongs to this journal."""
    compact_journal(path, published=50, largest=1000, kept=1000)
    assert sequences(path) == [*range(50, COUNT + 1)]


@pytest.mark.parametrize(("published", "largest"), [(COUNT, 1 << 20), (0, 1000)])
def test_a_journal_may_stay_as_it_is(path: Path, published: int, largest: int) -> None:
    """It is small, or nothing is confirmed."""
    before = path.read_bytes()
    compact_journal(path, published=published, largest=largest, kept=1000)
    assert path.read_bytes() == before


def test_a_missing_journal_is_small(tmp_path: Path) -> None:
    """Nothing is created."""
    compact_journal(tmp_path / "journal.jsonl", published=0)
    assert [*tmp_path.iterdir()] == []


async def test_a_reader_continues_in_the_new_file(path: Path) -> None:
    """Events that were removed before it read them are skipped; no event comes twice."""
    reader = JournalReader(path)
    found = [entry.record.sequence for entry in reader.read()]
    compact_journal(path, published=COUNT, largest=1000, kept=5000)
    with anyio.fail_after(10):
        while found[-1] < COUNT:
            found += [entry.record.sequence for entry in await anyio.to_thread.run_sync(reader.read)]
    reader.close()
    assert found == sorted(set(found))
