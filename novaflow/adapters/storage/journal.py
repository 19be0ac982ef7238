"""The journal of a stack: a file with every event, in order, that survives a crash of its writer."""

import errno
import os
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import anyio
import structlog

from novaflow.adapters.storage.journal_format import JournalReader, first_offset, last_entry, read_entry, seal, unseal
from novaflow.errors import MachineError
from novaflow.events.record import EventRecord
from novaflow.events.types import Event

log = structlog.get_logger(__name__)

_POLL_S = 0.05  # a follower on a terminal does not see the difference; 20 looks a second cost 0.3 % of a core
_UNWRITTEN = 10_000  # events held in memory while the disk is full: about 5 MB, and fifty runs' worth
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's, as ULIDs use it


class Journal:
    """The only writer of a stack's journal; the process that opens it holds the lock of the stack.

    ``source`` is the CloudEvents source of everything written, for example ``/novaflow/HOST/nova``.
    """

    def __init__(self, path: Path, *, source: str) -> None:
        self._path = path
        self._source = source
        self._unwritten: list[bytes] = []
        self._sequence = _repair(path)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._size = os.fstat(self._file).st_size

    @property
    def sequence(self) -> int:
        """Return the sequence number of the last event; 0 if there is none."""
        return self._sequence

    def append(self, event: Event, run_id: str) -> EventRecord:
        """Give the event its id, time and sequence number, and write it.

        While the disk is full, events wait in memory and are written, in order, as soon as there is room.

        Raises: MachineError, if the file cannot be written, or the disk is full for too long.
        """
        now = datetime.now(UTC)
        record = EventRecord(
            id=_ulid(now),
            sequence=self._sequence + 1,
            # Rounded as it is written, so that the decoded event is equal.
            time=now.replace(microsecond=now.microsecond // 1000 * 1000),
            source=self._source,
            run_id=run_id,
            event=event,
        )
        self._write(seal(record.encode()))
        self._sequence += 1
        return record

    def close(self) -> None:
        """Flush the file to the disk and close it.

        Raises: MachineError, if events are lost because the disk is still full.
        """
        try:
            if self._unwritten:
                self._write(b"")
            if self._unwritten:
                message = f"{self._path}: the disk is full; the last {len(self._unwritten)} events could not be written"
                raise MachineError(message)
            os.fdatasync(self._file)
        finally:
            os.close(self._file)

    def _write(self, line: bytes) -> None:
        """Append the line and the lines that wait before it, completely or not at all."""
        waiting = [*self._unwritten, line] if line else self._unwritten
        content = b"".join(waiting)
        try:
            written = os.write(self._file, content)
        except OSError as error:
            self._keep(waiting, error)
            return
        if written < len(content):
            # A disk that fills up stores the first part. Half a line would damage the next one.
            os.ftruncate(self._file, self._size)
            self._keep(waiting, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
            return
        self._size += written
        if self._unwritten:
            log.warning("journal.recovered", path=str(self._path), events=len(waiting))
            self._unwritten = []

    def _keep(self, waiting: list[bytes], error: OSError) -> None:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT} or len(waiting) > _UNWRITTEN:
            message = f"{self._path}: events cannot be written: {error.strerror}; free some space, or mend the disk"
            raise MachineError(message) from error
        if not self._unwritten:
            log.error("journal.disk_full", path=str(self._path), advice="free some space: events wait in memory until then")
        self._unwritten = waiting


def read_journal(path: Path, *, after: int = 0, since: datetime | None = None) -> Iterator[EventRecord]:
    """Yield the events behind sequence number ``after``, and not before ``since``; damaged lines are skipped and logged."""
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
    """Yield the events behind sequence number ``after``, and then every event as it comes; the file may come later."""
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
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
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
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
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


def _ulid(now: datetime) -> str:
    """Return a new ULID: 48 bits of milliseconds and 80 random bits. Source: github.com/ulid/spec."""
    value = int(now.timestamp() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join([_BASE32[value >> shift & 31] for shift in range(125, -1, -5)])


def _repair(path: Path) -> int:
    """Move the damaged lines of a journal to another file; return the last sequence number used, 0 if there is none.

    A damaged line with a line end may have been published: its number is not used again, and subscribers see a gap.
    """
    last, damaged_since, damaged = b"", 0, 0
    for line in _lines(path):
        if unseal(line) is not None:
            last, damaged_since = line, 0
        else:
            damaged += 1
            damaged_since += line.endswith(b"\n")
    if damaged:
        _set_aside(path, damaged)
    entry = read_entry(last)
    return (entry.record.sequence if entry else 0) + damaged_since


def _set_aside(path: Path, damaged: int) -> None:
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    mended = path.with_name(f"{path.name}.mended")
    with aside.open("wb") as bad, mended.open("wb") as good:
        for line in _lines(path):
            (bad if unseal(line) is None else good).write(line)
        good.flush()
        os.fsync(good.fileno())
    mended.chmod(path.stat().st_mode)
    mended.replace(path)
    log.warning("journal.mended", path=str(path), damaged_lines=damaged, kept_in=str(aside))


def _lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            yield from file
