"""The journal of a stack: a file of all events in order, which can be read after a crash of its writer."""

import errno
import os
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import anyio
import structlog
from ulid import ULID

from novaflow.adapters.storage.atomic_file import write_atomic
from novaflow.adapters.storage.journal_format import (
    JournalReader,
    add_checksum,
    first_offset,
    is_intact,
    last_entry,
    open_file,
    read_entry,
)
from novaflow.errors import MachineError
from novaflow.events.record import EventRecord
from novaflow.events.types import Event

log = structlog.get_logger(__name__)

_POLL_S = 0.05  # not noticeable on a terminal; 20 reads a second take 0.3 % of a core
_MAX_UNWRITTEN = 10_000  # events in memory while the disk is full: about 5 MB, the events of fifty runs


class Journal:
    """The only writer of a stack's journal; its process holds the lock of the stack.

    ``source`` is the CloudEvents source of all its events, for example ``/novaflow/HOST/STACK``.
    """

    def __init__(self, path: Path, *, source: str) -> None:
        self._path = path
        self._source = source
        self._unwritten: list[bytes] = []
        self._sequence = _repair(path)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._size = os.fstat(self._file).st_size

    @property
    def sequence(self) -> int:
        """Return the sequence number of the last event; 0 if there is none."""
        return self._sequence

    def append(self, event: Event, run_id: str) -> EventRecord:
        """Append the event with a new id, the time and the next sequence number, and return it.

        While the disk is full, events wait in memory; they are written in order when there is space again.

        Raises: MachineError, if the file cannot be written, or too many events wait.
        """
        now = datetime.now(UTC)
        record = EventRecord(
            id=str(ULID.from_datetime(now)),
            sequence=self._sequence + 1,
            # With the precision of the file, so that the event is equal when it is read.
            time=now.replace(microsecond=now.microsecond // 1000 * 1000),
            source=self._source,
            run_id=run_id,
            event=event,
        )
        self._write(add_checksum(record.encode()))
        self._sequence += 1
        return record

    def retry(self) -> None:
        """Write the events that wait because the disk was full, if there is space now.

        Raises: MachineError, if the file cannot be written.
        """
        if self._unwritten:
            self._write(b"")

    def close(self) -> None:
        """Flush the file to the disk and close it.

        Raises: MachineError, if events are lost because the disk is still full.
        """
        try:
            self.retry()
            if self._unwritten:
                message = f"{self._path}: the disk is full; the last {len(self._unwritten)} events could not be written"
                raise MachineError(message)
            os.fdatasync(self._file)
        finally:
            os.close(self._file)

    def _write(self, line: bytes) -> None:
        """Append the waiting lines and this one, all or none of them."""
        waiting = [*self._unwritten, line] if line else self._unwritten
        content = b"".join(waiting)
        try:
            written = os.write(self._file, content)
        except OSError as error:
            self._keep_unwritten(waiting, error)
            return
        if written < len(content):
            # A disk that becomes full accepts a part of the data. An incomplete line would damage the next one.
            os.ftruncate(self._file, self._size)
            self._keep_unwritten(waiting, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
            return
        self._size += written
        if self._unwritten:
            log.warning("journal.recovered", path=str(self._path), events=len(waiting))
            self._unwritten = []

    def _keep_unwritten(self, waiting: list[bytes], error: OSError) -> None:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT} or len(waiting) > _MAX_UNWRITTEN:
            message = f"{self._path}: events cannot be written: {error.strerror}; free some space or repair the disk"
            raise MachineError(message) from error
        if not self._unwritten:
            log.error("journal.disk_full", path=str(self._path), advice="free some space: events wait in memory until then")
        self._unwritten = waiting


def read_journal(path: Path, *, after: int = 0, since: datetime | None = None) -> Iterator[EventRecord]:
    """Yield the events after sequence number ``after`` and not before ``since``; damaged lines are skipped and logged."""
    if since is not None:
        after = max(after, _last_before(path, since))
    reader = JournalReader(path, after=after)
    try:
        while entries := reader.read():
            for entry in entries:
                yield entry.record
    finally:
        reader.close()


async def follow_journal(path: Path, *, after: int = 0) -> AsyncGenerator[EventRecord, None]:
    """Yield the events after sequence number ``after``, then every new event; the file may be created later."""
    reader = JournalReader(path, after=after)
    try:
        while True:
            entries = await anyio.to_thread.run_sync(reader.read)
            for entry in entries:
                yield entry.record
            if not entries:
                await anyio.sleep(_POLL_S)
    finally:
        reader.close()


def last_record(path: Path) -> EventRecord | None:
    """Return the last event of a journal; ``None`` if there is none yet."""
    try:
        file = open_file(path)
    except FileNotFoundError:
        return None
    try:
        entry = last_entry(file)
    finally:
        os.close(file)
    return entry.record if entry else None


def _last_before(path: Path, since: datetime) -> int:
    """Return the sequence number of the last event before ``since``; 0 if there is none."""
    try:
        file = open_file(path)
    except FileNotFoundError:
        return 0
    try:
        offset = first_offset(file, lambda record: record.time >= since)
        line = os.pread(file, 1 << 16, offset).partition(b"\n")
        entry = read_entry(line[0] + line[1])
        last = last_entry(file)
    finally:
        os.close(file)
    if entry is not None:
        return entry.record.sequence - 1
    return last.record.sequence if last else 0


def _repair(path: Path) -> int:
    """Move damaged lines to a file of their own; return the last sequence number that was used, 0 if there is none.

    The event of a complete but damaged line may have been published: its number is not used again and shows as a gap.
    """
    last, damaged_since_last, damaged = b"", 0, 0
    for line in _lines(path):
        if is_intact(line):
            last, damaged_since_last = line, 0
        else:
            damaged += 1
            damaged_since_last += line.endswith(b"\n")
    if damaged:
        _move_damaged_lines(path, damaged)
    entry = read_entry(last)
    return (entry.record.sequence if entry else 0) + damaged_since_last


def _move_damaged_lines(path: Path, count: int) -> None:
    damaged = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    write_atomic(damaged, (line for line in _lines(path) if not is_intact(line)), fsync=True)
    write_atomic(path, (line for line in _lines(path) if is_intact(line)), fsync=True)
    log.warning("journal.repaired", path=str(path), damaged_lines=count, moved_to=str(damaged))


def _lines(path: Path) -> Iterator[bytes]:
    try:
        file = open_file(path)
    except FileNotFoundError:
        return
    with os.fdopen(file, "rb") as lines:
        yield from lines
