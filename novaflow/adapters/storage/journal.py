"""The journal of a stack: a file of all events in order, which can be read after a crash of its writer."""

import errno
import os
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

import anyio
import structlog
from ulid import ULID

from novaflow.adapters.storage.atomic_file import fix_for, fsync_folder, reason_of, write_atomic
from novaflow.adapters.storage.journal_compaction import LARGEST, CompactedCopy, copy_newest, replace_with
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
_MOST_WAITING = 10_000  # events in memory while the file cannot be written: about 5 MB, the events of fifty runs
_WRITTEN_AT_ONCE = 100  # events, about 50 KB: a nearly full disk takes some of those that wait


class Journal:
    """The only writer of a stack's journal; its process holds the lock of the stack.

    ``source`` is the CloudEvents source of all its events, for example ``/novaflow/HOST/STACK``. While the file cannot be
    written, at most ``most_waiting`` events wait in memory.
    """

    def __init__(self, path: Path, *, source: str, most_waiting: int = _MOST_WAITING) -> None:
        self._path = path
        self._source = source
        self._waiting = deque[bytes](maxlen=most_waiting)
        self._dropped = 0
        self._error: OSError | None = None  # of the last write, if that failed
        self._sequence = _repair(path)
        self._file = _open_to_append(path)
        self._size = os.fstat(self._file).st_size

    @property
    def sequence(self) -> int:
        """Return the sequence number of the last event; 0 if there is none."""
        return self._sequence

    @property
    def is_large(self) -> bool:
        """Return whether the file has more bytes than a journal may have."""
        return self._size > LARGEST

    def append(self, event: Event, run_id: str) -> EventRecord:
        """Append the event with a new id, the time and the next sequence number, and return it.

        While the file cannot be written, events wait in memory; they are written in order when it can be written again. Of
        too many the oldest are dropped, so that the journal ends with the present state; their numbers are not used again.
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
        self._sequence += 1
        if len(self._waiting) == self._waiting.maxlen:
            self._count_dropped()
        self._waiting.append(add_checksum(record.encode()))
        self.retry()
        return record

    def retry(self) -> None:
        """Write the events that wait, if the file can be written now."""
        try:
            while self._waiting:
                self._write([*islice(self._waiting, _WRITTEN_AT_ONCE)])
        except OSError as error:
            self._report(error)
        else:
            self._report_recovery()

    def copy_newest(self, published: int) -> Callable[[], None] | None:
        """Copy the journal without its oldest events, and return a function that replaces the file with the copy.

        Copying takes about a second, during which another thread may append events; replacing takes milliseconds, and belongs
        to the thread that appends. ``published`` is the sequence number of the last confirmed event. The result is ``None`` if no
        event can be removed.

        Raises: OSError, and so does the function; MachineError, if the journal is no file any more.
        """
        copy = copy_newest(self._path, self._size, published=published)
        return partial(self._continue_in, copy) if copy else None

    def close(self) -> None:
        """Flush the file to the disk and close it.

        Raises: MachineError, if the last events cannot be written.
        """
        try:
            self.retry()
            if self._error is None:
                os.fdatasync(self._file)
        except OSError as error:
            self._error = error
        finally:
            os.close(self._file)
        if self._error is not None:
            lost = f"the last {self._dropped + len(self._waiting)} events could not be written"
            raise MachineError(f"{self._path}: {lost}: {reason_of(self._error)}; {fix_for(self._error)}")

    def _continue_in(self, copy: CompactedCopy) -> None:
        file = _open_to_append(copy.path)
        try:
            replace_with(copy, self._path, self._size)
        except OSError:
            os.close(file)
            raise
        os.close(self._file)
        self._file, self._size = file, os.fstat(file).st_size
        fsync_folder(self._path.parent)

    def _write(self, lines: Sequence[bytes]) -> None:
        """Append the first of the waiting lines, all or none of them.

        Raises: OSError.
        """
        content = b"".join(lines)
        if self._error is not None:
            os.ftruncate(self._file, self._size)  # in case the last write failed half way, and this as well
        if os.write(self._file, content) < len(content):
            # A disk that becomes full accepts a part of the data. An incomplete line would damage the next one.
            os.ftruncate(self._file, self._size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._size += len(content)
        for _ in lines:
            self._waiting.popleft()

    def _report(self, error: OSError) -> None:
        if self._error is None:
            advice = f"{fix_for(error)}: events wait in memory until then"
            log.error("journal.unwritten", path=str(self._path), reason=reason_of(error), advice=advice)
        self._error = error

    def _report_recovery(self) -> None:
        if self._error is not None:
            log.warning("journal.recovered", path=str(self._path), dropped=self._dropped)
            self._error, self._dropped = None, 0

    def _count_dropped(self) -> None:
        if self._dropped == 0:
            advice = "subscribers see a gap in the numbers of the events"
            log.error("journal.events_dropped", path=str(self._path), most_waiting=self._waiting.maxlen, advice=advice)
        self._dropped += 1


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


def _open_to_append(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


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
