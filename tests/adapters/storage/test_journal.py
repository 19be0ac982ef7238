"""The journal: events are read as they were written, and damage is detected."""

# ruff: noqa: S603, TID251 - tests start their own programs

import json
import subprocess
import sys
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from structlog.testing import capture_logs

from novaflow.adapters.storage import Journal, follow_journal, last_record, read_journal
from novaflow.events.record import EventRecord
from novaflow.events.types import StepChanged, StepState

SOURCE = "/novaflow/host/nova"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a journal that does not exist yet."""
    return tmp_path / "journal.jsonl"


def a_step(reason: str = "requested") -> StepChanged:
    """Return an event."""
    return StepChanged(name="fetch", state=StepState.STARTED, workflow="install", component="glance", reason=reason)


def write(path: Path, count: int, reason: str = "requested") -> list[EventRecord]:
    """Open the journal, append events, and close it."""
    journal = Journal(path, source=SOURCE)
    written = [journal.append(a_step(reason), "run-1") for _ in range(count)]
    journal.close()
    return written


def damage(path: Path, line: int) -> bytes:
    """Flip one bit in the middle of a line, and return the line."""
    lines = path.read_bytes().splitlines(keepends=True)
    middle = len(lines[line]) // 2
    lines[line] = lines[line][:middle] + bytes([lines[line][middle] ^ 1]) + lines[line][middle + 1 :]
    path.write_bytes(b"".join(lines))
    return lines[line]


def test_events_are_read_as_they_were_written(path: Path) -> None:
    """Read events are equal to the appended ones, numbered from 1."""
    written = write(path, 3)
    assert list(read_journal(path)) == written
    assert [record.sequence for record in written] == [1, 2, 3]


def test_every_line_is_json(path: Path) -> None:
    """Every program that reads JSON lines can read a journal."""
    write(path, 2)
    assert [json.loads(line)["subject"] for line in path.read_text().splitlines()] == ["fetch", "fetch"]


def test_ids_are_sorted_ulids(path: Path) -> None:
    """An id has 26 characters, of which the first ten encode the time."""
    ids = [record.id for record in write(path, 100)]
    assert len(set(ids)) == 100
    assert {len(each) for each in ids} == {26}
    assert [each[:10] for each in ids] == sorted(each[:10] for each in ids)


def test_the_sequence_continues_after_a_restart(path: Path) -> None:
    """A journal that is opened again continues without a gap."""
    write(path, 2)
    assert [record.sequence for record in write(path, 2)] == [3, 4]


def test_reading_begins_after_a_sequence_number(path: Path) -> None:
    """Earlier events are skipped."""
    written = write(path, 1000)
    assert list(read_journal(path, after=990)) == written[990:]
    assert list(read_journal(path, after=1000)) == []


def test_reading_begins_at_a_time(path: Path) -> None:
    """Earlier events are skipped."""
    written = write(path, 1000)
    since = written[500].time
    assert list(read_journal(path, since=since)) == [record for record in written if record.time >= since]
    assert list(read_journal(path, since=datetime(2100, 1, 1, tzinfo=UTC))) == []


def test_a_missing_journal_is_empty(path: Path) -> None:
    """Before the first event there is no file."""
    assert list(read_journal(path)) == []
    assert last_record(path) is None


def test_the_last_event_is_read_from_the_end(path: Path) -> None:
    """The last intact line counts, whatever its length and whatever follows."""
    *_, last = write(path, 3, reason="x" * 200_000)
    with path.open("ab") as file:
        file.write(b'{"half a li')
    assert last_record(path) == last


def test_an_incomplete_line_is_moved(path: Path) -> None:
    """The line goes to a file of its own, a warning is logged, and its number is used again."""
    write(path, 2)
    with path.open("ab") as file:
        file.write(b'{"specversion":"1.0","id":"01')
    with capture_logs() as logs:
        assert [record.sequence for record in write(path, 1)] == [3]
    assert [entry["event"] for entry in logs] == ["journal.repaired"]
    assert [aside.read_bytes() for aside in path.parent.glob("journal.jsonl.damaged-*")] == [b'{"specversion":"1.0","id":"01']
    assert [record.sequence for record in read_journal(path)] == [1, 2, 3]
    with capture_logs() as logs:
        write(path, 1)
    assert logs == []


def test_a_damaged_line_is_moved(path: Path) -> None:
    """A line with a wrong checksum is skipped and later moved; its number shows as a gap."""
    write(path, 5)
    bad = damage(path, 2)
    with capture_logs() as logs:
        assert [record.sequence for record in read_journal(path)] == [1, 2, 4, 5]
    assert [entry["event"] for entry in logs] == ["journal.line_skipped"]
    write(path, 1)
    assert [aside.read_bytes() for aside in path.parent.glob("journal.jsonl.damaged-*")] == [bad]
    assert [record.sequence for record in read_journal(path)] == [1, 2, 4, 5, 6]


def test_the_number_of_a_damaged_event_is_not_used_again(path: Path) -> None:
    """The event may have been published before its line was damaged."""
    write(path, 3)
    damage(path, 2)
    assert [record.sequence for record in write(path, 1)] == [4]


@pytest.mark.parametrize("after", range(6))
def test_bisection_skips_damaged_lines(path: Path, after: int) -> None:
    """A reader finds every intact line after any sequence number."""
    write(path, 6)
    damage(path, 0)
    damage(path, 3)
    assert [record.sequence for record in read_journal(path, after=after)] == [n for n in (2, 3, 5, 6) if n > after]


async def test_a_follower_reads_every_event(path: Path) -> None:
    """Following begins before the file exists, and continues with the next writer."""
    followed: list[int] = []

    async def follow() -> None:
        async with aclosing(follow_journal(path)) as events:
            async for record in events:
                followed.append(record.sequence)
                if len(followed) == 4:
                    return

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tg:
            tg.start_soon(follow)
            await anyio.lowlevel.checkpoint()
            write(path, 2)
            write(path, 2)
    assert followed == [1, 2, 3, 4]


async def test_a_follower_continues_in_a_repaired_journal(path: Path) -> None:
    """A repair replaces the file."""
    write(path, 2)
    damage(path, 0)
    followed: list[int] = []
    with anyio.fail_after(5):
        async with aclosing(follow_journal(path)) as events:
            async for record in events:
                followed.append(record.sequence)
                if len(followed) == 2:
                    break
                write(path, 1)
    assert followed == [2, 3]


def replace_journal(path: Path) -> None:
    """Delete the journal and write a new one with two events."""
    path.unlink()
    write(path, 2)


async def test_a_new_journal_is_read_from_its_beginning(path: Path) -> None:
    """After a journal of the same name was created, its events are read from 1 on."""
    write(path, 5)
    followed: list[int] = []
    with anyio.fail_after(5):
        async with aclosing(follow_journal(path, after=4)) as events:
            async for record in events:
                followed.append(record.sequence)
                if len(followed) == 1:
                    replace_journal(path)
                if len(followed) == 3:
                    break
    assert followed == [5, 1, 2]


ENDLESS_WRITER = """
import sys
from pathlib import Path
from novaflow.adapters.storage import Journal
from tests.adapters.storage.test_journal import a_step
journal = Journal(Path(sys.argv[1]), source="/novaflow/host/nova")
print("up", flush=True)
while True:
    journal.append(a_step(), "run-1")
"""


def test_a_killed_writer_leaves_complete_lines(path: Path) -> None:
    """After SIGKILL during writes, the journal is intact and continues without a gap."""
    with subprocess.Popen([sys.executable, "-c", ENDLESS_WRITER, path], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        # Not read at the same time: a reader slower than the writer would never reach the end.
        while path.stat().st_size < 50_000:
            pass
        writer.kill()
    before = list(read_journal(path))
    assert [record.sequence for record in before] == list(range(1, len(before) + 1))
    assert write(path, 1)[0].sequence == len(before) + 1
