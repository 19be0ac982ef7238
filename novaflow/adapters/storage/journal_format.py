"""The format of a journal: one line of JSON for each event, with a checksum that reveals damaged lines."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import structlog

from novaflow.errors import MachineError
from novaflow.events.record import DecodeError, EventRecord
from novaflow.settings import refuse_links

log = structlog.get_logger(__name__)

_CHECKSUM = b',"crc32":"%08x"}\n'
_CHECKSUM_SIZE = len(_CHECKSUM % 0)
_CHUNK = 1 << 16  # bytes read at once: about 130 events, in 20 µs


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a journal; ``body`` is its JSON as it was written, without the checksum."""

    record: EventRecord
    body: bytes


def add_checksum(body: bytes) -> bytes:
    """Return the line for the JSON of an event: the same object with its checksum as the last member."""
    return body[:-1] + _CHECKSUM % crc32(body)


def is_intact(line: bytes) -> bool:
    """Return whether the line is complete and its checksum is correct."""
    return line[-_CHECKSUM_SIZE:] == _CHECKSUM % crc32(_body_of(line))


def _body_of(line: bytes) -> bytes:
    return line[:-_CHECKSUM_SIZE] + b"}"


def read_entry(line: bytes) -> Entry | None:
    """Return the event of a line; ``None`` if the line is damaged."""
    if not is_intact(line):
        return None
    body = _body_of(line)
    try:
        return Entry(EventRecord.decode(body), body)
    except DecodeError:
        return None


def open_file(path: Path) -> int:
    """Open a journal for reading and return its descriptor.

    Raises: FileNotFoundError; MachineError, if it is something else than a file.
    """
    problem = MachineError(f"{path} is not a file; move it away, and novaflow creates a new journal")
    try:
        file = refuse_links(str(path), os.O_RDONLY | os.O_NONBLOCK)  # a FIFO would wait for a writer
    except OSError as error:
        raise (problem if error.errno == errno.ELOOP else error) from None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise problem
    return file


class JournalReader:
    """Reads a journal from a position on; the file may be created later, and be replaced by a repaired or a new journal.

    With ``fsync`` only events are returned that are on the disk: a power cut does not undo them.
    """

    def __init__(self, path: Path, *, after: int = 0, fsync: bool = False) -> None:
        self._path, self._fsync = path, fsync
        self._after = after
        self._file = -1
        self._offset = 0

    def read(self) -> list[Entry]:
        """Return the next events, at most about a hundred; an empty list if there are no more yet."""
        if self._file < 0 and not self._open():
            return []
        while lines := _complete_lines(self._file, self._offset):
            entries = [entry for entry in self._entries(lines) if entry.record.sequence > self._after]
            if entries:
                if self._fsync:
                    os.fdatasync(self._file)
                self._after = entries[-1].record.sequence
                return entries
        if self._is_replaced():
            self.close()
        return []

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _open(self) -> bool:
        try:
            self._file = open_file(self._path)
        except FileNotFoundError:
            return False
        last = last_entry(self._file)
        if last is not None and last.record.sequence < self._after:
            self._after = 0  # a new journal of the same name: all its events are new
        self._offset = first_offset(self._file, lambda record: record.sequence > self._after)
        return True

    def _entries(self, lines: list[bytes]) -> Iterator[Entry]:
        for line in lines:
            entry = read_entry(line)
            if entry is None:
                log.warning("journal.line_skipped", path=str(self._path), offset=self._offset, reason="the line is damaged")
            else:
                yield entry
            self._offset += len(line)

    def _is_replaced(self) -> bool:
        opened = os.fstat(self._file)
        try:
            current = self._path.stat()
        except FileNotFoundError:
            return True
        return (opened.st_ino, opened.st_dev) != (current.st_ino, current.st_dev) or current.st_size < self._offset


def first_offset(file: int, matches: Callable[[EventRecord], bool]) -> int:
    """Return the offset of the first line whose event matches, the end of the file if there is none.

    The search is binary: all events after a matching one must match.
    """
    low, high = 0, os.fstat(file).st_size
    while low < high:
        middle = (low + high) // 2
        end, entry = _entry_from(file, middle)
        if entry is None or matches(entry.record):
            high = middle
        else:
            low = end
    return low


def last_entry(file: int) -> Entry | None:
    """Return the last intact event of a journal, read from its end; ``None`` if there is none."""
    size = os.fstat(file).st_size
    span = _CHUNK
    while size:
        begin = max(0, size - span)
        lines = os.pread(file, size - begin, begin).splitlines(keepends=True)
        for line in reversed(lines if begin == 0 else lines[1:]):
            if entry := read_entry(line):
                return entry
        if begin == 0:
            break
        span *= 2
    return None


def _entry_from(file: int, offset: int) -> tuple[int, Entry | None]:
    """Return the first intact event whose line begins at ``offset`` or later, after the offset of the end of that line."""
    offset = next_line(file, offset)
    while lines := _complete_lines(file, offset):
        for line in lines:
            offset += len(line)
            if entry := read_entry(line):
                return offset, entry
    return offset, None


def next_line(file: int, offset: int) -> int:
    """Return the offset of the first line that begins at ``offset`` or later; the end of the file if there is none."""
    if offset <= 0:
        return 0
    offset -= 1  # a line begins at `offset` if this is the end of another one
    while chunk := os.pread(file, _CHUNK, offset):
        newline = chunk.find(b"\n")
        if newline >= 0:
            return offset + newline + 1
        offset += len(chunk)
    return offset


def _complete_lines(file: int, offset: int) -> list[bytes]:
    """Return the complete lines of one read from ``offset`` on; at least one line of any length, if there is one."""
    size = _CHUNK
    while True:
        chunk = os.pread(file, size, offset)
        end = chunk.rfind(b"\n") + 1
        if end or len(chunk) < size:
            # Not splitlines: a line may contain U+0085 and other separators.
            return [line + b"\n" for line in chunk[:end].split(b"\n")[:-1]]
        size *= 2
