"""The journal: what is written is read, and what was damaged is known."""

# ruff: noqa: S603, S607, TID251 - the programs tests start are their own, and the environment is what CI says

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from structlog.testing import capture_logs

from novaflow.adapters.storage.journal import Journal, follow_journal, last_record, read_journal
from novaflow.errors import MachineError
from novaflow.events.record import EventRecord
from novaflow.events.types import StepChanged, StepState

SOURCE = "/novaflow/host/nova"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal lies."""
    return tmp_path / "journal.jsonl"


def a_step(reason: str = "asked for") -> StepChanged:
    """Return an event."""
    return StepChanged(name="fetch", state=StepState.STARTED, workflow="install", component="glance", reason=reason)


def write(path: Path, count: int, reason: str = "asked for") -> list[EventRecord]:
    """Open the journal, append events, close it."""
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


def test_what_is_appended_is_read_back(path: Path) -> None:
    """Events come back as the very same values, numbered from 1."""
    written = write(path, 3)
    assert list(read_journal(path)) == written
    assert [record.sequence for record in written] == [1, 2, 3]


def test_every_line_is_json_of_its_own(path: Path) -> None:
    """Any tool that reads JSON lines reads a journal."""
    write(path, 2)
    assert [json.loads(line)["subject"] for line in path.read_text().splitlines()] == ["fetch", "fetch"]


def test_identities_sort_by_time_and_differ(path: Path) -> None:
    """An id is a ULID: 26 characters, whose first ten tell the time."""
    ids = [record.id for record in write(path, 100)]
    assert len(set(ids)) == 100
    assert {len(each) for each in ids} == {26}
    assert [each[:10] for each in ids] == sorted(each[:10] for each in ids)


def test_an_opened_journal_goes_on(path: Path) -> None:
    """The sequence has no gap over a restart."""
    write(path, 2)
    assert [record.sequence for record in write(path, 2)] == [3, 4]


def test_reading_begins_behind_a_sequence_number(path: Path) -> None:
    """A reader gets what it has not seen."""
    written = write(path, 1000)
    assert list(read_journal(path, after=990)) == written[990:]
    assert list(read_journal(path, after=1000)) == []


def test_reading_begins_at_a_time(path: Path) -> None:
    """A reader gets what happened since."""
    written = write(path, 1000)
    since = written[500].time
    assert list(read_journal(path, since=since)) == [record for record in written if record.time >= since]
    assert list(read_journal(path, since=datetime(2100, 1, 1, tzinfo=UTC))) == []


def test_a_journal_that_is_not_there_is_empty(path: Path) -> None:
    """Nothing has happened yet, and that is no error."""
    assert list(read_journal(path)) == []
    assert last_record(path) is None


def test_the_last_event_is_found_from_the_end(path: Path) -> None:
    """The last good line counts, however long it is and whatever stands behind it."""
    *_, last = write(path, 3, reason="x" * 200_000)
    with path.open("ab") as file:
        file.write(b'{"half a li')
    assert last_record(path) == last


def test_a_line_cut_in_the_middle_is_kept_aside(path: Path) -> None:
    """A torn line costs itself, is kept for whoever wants to look, is said once, and its number is given to the next."""
    write(path, 2)
    with path.open("ab") as file:
        file.write(b'{"specversion":"1.0","id":"01')
    with capture_logs() as logs:
        assert [record.sequence for record in write(path, 1)] == [3]
    assert [entry["event"] for entry in logs] == ["journal.mended"]
    assert [aside.read_bytes() for aside in path.parent.glob("journal.jsonl.damaged-*")] == [b'{"specversion":"1.0","id":"01']
    assert [record.sequence for record in read_journal(path)] == [1, 2, 3]
    with capture_logs() as logs:
        write(path, 1)
    assert logs == []


def test_a_flipped_byte_is_found_and_its_line_kept_aside(path: Path) -> None:
    """A line whose checksum does not fit is no event; the others are used, and the gap shows."""
    write(path, 5)
    bad = damage(path, 2)
    with capture_logs() as logs:
        assert [record.sequence for record in read_journal(path)] == [1, 2, 4, 5]
    assert [entry["event"] for entry in logs] == ["journal.line_skipped"]
    write(path, 1)
    assert [aside.read_bytes() for aside in path.parent.glob("journal.jsonl.damaged-*")] == [bad]
    assert [record.sequence for record in read_journal(path)] == [1, 2, 4, 5, 6]


def test_the_number_of_a_damaged_last_event_is_not_given_twice(path: Path) -> None:
    """The event may have been published before its line was damaged."""
    write(path, 3)
    damage(path, 2)
    assert [record.sequence for record in write(path, 1)] == [4]


@pytest.mark.parametrize("after", range(6))
def test_bisection_steps_over_damaged_lines(path: Path, after: int) -> None:
    """Wherever a reader begins, it finds every good line behind that."""
    write(path, 6)
    damage(path, 0)
    damage(path, 3)
    assert [record.sequence for record in read_journal(path, after=after)] == [n for n in (2, 3, 5, 6) if n > after]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Lend a file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], check=False, capture_output=True).returncode:
        if os.environ.get("CI") == "true":
            pytest.fail("a small file system cannot be mounted, and CI must not skip")
        pytest.skip("only root can mount a small file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(disk: Path) -> Path:
    """Use up what is left of the disk, to the last byte, and return what did."""
    filling = disk / "filling"
    with filling.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    return filling


def test_events_wait_while_the_disk_is_full(small_disk: Path) -> None:
    """Nothing is lost, no half line is left, and it is said once."""
    path = small_disk / "journal.jsonl"
    journal = Journal(path, source=SOURCE)
    journal.append(a_step(), "run-1")
    filling = fill(small_disk)
    with capture_logs() as logs:
        written = [journal.append(a_step("x" * 1000), "run-1") for _ in range(20)]
        assert path.read_bytes().endswith(b"}\n")
        filling.unlink()
        journal.append(a_step(), "run-1")
    journal.close()
    assert [entry["event"] for entry in logs] == ["journal.disk_full", "journal.recovered"]
    assert [record.sequence for record in read_journal(path)] == list(range(1, 23))
    assert list(read_journal(path, after=1))[:20] == written


def test_a_disk_that_stays_full_is_an_error_at_the_end(small_disk: Path) -> None:
    """Who closes the journal learns how many events could not be written."""
    journal = Journal(small_disk / "journal.jsonl", source=SOURCE)
    fill(small_disk)
    for _ in range(2):
        journal.append(a_step(), "run-1")
    with pytest.raises(MachineError, match="the last 2 events could not be written"):
        journal.close()


async def test_a_follower_waits_for_the_file_and_for_every_event(path: Path) -> None:
    """Following may begin before the journal does, and sees what two writers after each other append."""
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


async def test_a_follower_goes_on_in_the_mended_file(path: Path) -> None:
    """A journal that was mended is another file under the same name."""
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


def begin_anew(path: Path) -> None:
    """Delete the journal and write another one, of two events."""
    path.unlink()
    write(path, 2)


async def test_a_new_journal_of_the_same_name_is_read_from_its_beginning(path: Path) -> None:
    """Who deletes a stack and makes it again has events from 1 on."""
    write(path, 5)
    followed: list[int] = []
    with anyio.fail_after(5):
        async with aclosing(follow_journal(path, after=4)) as events:
            async for record in events:
                followed.append(record.sequence)
                if len(followed) == 1:
                    begin_anew(path)
                if len(followed) == 3:
                    break
    assert followed == [5, 1, 2]


TIRELESS = """
import sys
from pathlib import Path
from novaflow.adapters.storage.journal import Journal
from tests.adapters.storage.test_journal import a_step
journal = Journal(Path(sys.argv[1]), source="/novaflow/host/nova")
print("up", flush=True)
while True:
    journal.append(a_step(), "run-1")
"""


def test_a_killed_writer_leaves_whole_lines(path: Path) -> None:
    """After SIGKILL in the middle of writing, the journal reads and goes on without a gap."""
    with subprocess.Popen([sys.executable, "-c", TIRELESS, path], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        # Not read meanwhile: a reader slower than the writer, under coverage for one, would never see the end.
        while path.stat().st_size < 50_000:
            pass
        writer.kill()
    before = list(read_journal(path))
    assert [record.sequence for record in before] == list(range(1, len(before) + 1))
    assert write(path, 1)[0].sequence == len(before) + 1
