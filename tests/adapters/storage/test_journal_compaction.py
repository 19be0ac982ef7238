"""Old events are removed from a large journal, and nothing that is still needed."""

from pathlib import Path

import anyio
import pytest

from novaflow.adapters.storage import Journal, JournalReader, compact_journal, read_journal
from novaflow.events.types import ComponentEvent, StackChanged, StackState

EVENT = ComponentEvent(kind="instance", name="vm", state="updated", reason="requested")
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


def test_of_too_many_events_that_are_not_confirmed_the_newest_stay(path: Path) -> None:
    """A broker that confirms nothing does not let the journal grow."""
    compact_journal(path, published=0, largest=1000, kept=1000, kept_unconfirmed=5000)
    found = sequences(path)
    assert found == [*range(found[0], COUNT + 1)]
    assert 2500 < path.stat().st_size <= 5000


def test_the_state_of_the_stack_stays(tmp_path: Path) -> None:
    """It is at the beginning of the file, also when the journal is reduced again; damaged and long lines are removed."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, source="/novaflow/host/nova")
    for reason in ("too long" * 10_000, "damaged", "requested"):
        journal.append(StackChanged(name="nova", state=StackState.STARTING, reason=reason), "run-1")
    journal.append(StackChanged(name="nova", state=StackState.READY, reason="x" * 20_000), "run-1")
    for _ in range(COUNT):
        journal.append(EVENT, "run-1")
    journal.close()
    path.write_bytes(path.read_bytes().replace(b"damaged", b"DAMAGED"))
    before = [*read_journal(path)]
    for kept, least, most in ((5000, 10, 20), (2000, 3, 9)):
        compact_journal(path, published=before[-1].sequence, largest=1000, kept=kept)
        state, *newest = read_journal(path)
        assert state == before[1]
        assert newest == before[-len(newest) :]
        assert least < len(newest) < most


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


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_the_same_group_may_read_the_reduced_journal(path: Path, mode: int) -> None:
    """Members of NOVAFLOW_GROUP follow the events; without the group the file stays private."""
    path.chmod(mode)
    compact_journal(path, published=COUNT, largest=1000, kept=5000)
    assert path.stat().st_size <= 5000
    assert (path.stat().st_mode & 0o777, path.stat().st_gid) == (mode, path.parent.stat().st_gid)
