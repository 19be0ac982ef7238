"""A journal that cannot be written: its events wait in memory, and no error reaches the engine."""

# ruff: noqa: S603, S607, TID251 - mounts a file system, and the CI system sets the environment

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from novaflow.adapters.storage import Journal, read_journal
from novaflow.errors import MachineError
from tests.adapters.storage.test_journal import SOURCE, a_step, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a journal that does not exist yet."""
    return tmp_path / "journal.jsonl"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], check=False, capture_output=True).returncode:
        if os.environ.get("CI") == "true":
            pytest.fail("a small file system cannot be mounted, and CI must not skip")
        pytest.skip("only root can mount a small file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(disk: Path) -> Path:
    """Fill the disk to the last byte, and return the file that fills it."""
    filling = disk / "filling"
    with filling.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    return filling


def test_events_wait_while_the_disk_is_full(small_disk: Path) -> None:
    """No event is lost, no line is incomplete, and the state of the disk is logged once."""
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
    assert [entry["event"] for entry in logs] == ["journal.unwritten", "journal.recovered"]
    assert [record.sequence for record in read_journal(path)] == list(range(1, 23))
    assert list(read_journal(path, after=1))[:20] == written


def test_a_disk_that_stays_full_is_an_error(small_disk: Path) -> None:
    """Closing the journal reports the number of lost events."""
    journal = Journal(small_disk / "journal.jsonl", source=SOURCE)
    fill(small_disk)
    for _ in range(2):
        journal.append(a_step(), "run-1")
    with pytest.raises(MachineError, match="the last 2 events could not be written: no space left on device; free some space"):
        journal.close()


def test_the_oldest_waiting_events_are_dropped(small_disk: Path) -> None:
    """Appending never fails: the newest events are written in the end, and the numbers of the dropped ones are missing."""
    path = small_disk / "journal.jsonl"
    journal = Journal(path, source=SOURCE, most_waiting=10)
    journal.append(a_step(), "run-1")
    filling = fill(small_disk)
    with capture_logs() as logs:
        for _ in range(25):
            journal.append(a_step("x" * 1000), "run-1")
        filling.unlink()
        journal.retry()
    journal.close()
    written = [record.sequence for record in read_journal(path)]
    before = len(written) - 10  # a part of the page that the first event has begun was free
    assert written == [*range(1, before + 1), *range(17, 27)]
    assert [entry["event"] for entry in logs] == ["journal.unwritten", "journal.events_dropped", "journal.recovered"]
    assert logs[-1]["dropped"] == 16 - before > 0


@contextmanager
def unwritable(path: Path) -> Iterator[None]:
    """Let writes to the journal fail with EFBIG, as those to a broken disk fail with EIO; pytest itself writes smaller files."""
    write(path, 1, reason="x" * (1 << 20))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_events_wait_after_any_error(path: Path) -> None:
    """A journal that cannot be written does not end the engine, whatever the reason; the log names it."""
    with capture_logs() as logs:
        with unwritable(path):
            journal = Journal(path, source=SOURCE)
            for _ in range(10):
                journal.append(a_step(), "run-1")
        journal.retry()
    journal.close()
    assert [record.sequence for record in read_journal(path)] == [*range(1, 12)]
    assert [(entry["event"], entry.get("reason")) for entry in logs] == [
        ("journal.unwritten", "file too large"),
        ("journal.recovered", None),
    ]


def test_a_journal_that_cannot_be_closed_is_an_error_of_the_machine(path: Path) -> None:
    """The message has the reason and the number of lost events, also of those that were dropped."""
    message = rf"^{path}: the last 3 events could not be written: file too large; free some space$"
    with unwritable(path):
        journal = Journal(path, source=SOURCE, most_waiting=2)
        for _ in range(3):
            journal.append(a_step(), "run-1")
        with pytest.raises(MachineError, match=message):
            journal.close()
