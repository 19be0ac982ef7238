"""The format of a journal: one event a line, with a checksum by which a damaged line is detected."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import structlog

from novaflow.events.record import DecodeError, EventRecord

log = structlog.get_logger(__name__)

_SEAL = b',"crc32":"%08x"}\n'
_SEAL_SIZE = len(_SEAL % 0)
_CHUNK = 1 << 16  # bytes read at once: about 130 events, in 20 µs


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a journal; ``body`` is its JSON as it was written, without the checksum."""

    record: EventRecord
    body: bytes


def seal(body: bytes) -> bytes:
    """Return the line for the JSON of an event: the same JSON with its checksum as the last member."""
    return body[:-1] + _SEAL % crc32(body)


def unseal(line: bytes) -> bytes | None:
    """Return the JSON without its checksum; ``None`` if the checksum does not match."""
    body = line[:-_SEAL_SIZE] + b"}"
    return body if line[-_SEAL_SIZE:] == _SEAL % crc32(body) else None


def read_entry(line: bytes) -> Entry | None:
    """Return the event of a line; ``None`` if the line is damaged."""
    body = unseal(line)
    if body is None:
        return None
    try:
        return Entry(EventRecord.decode(body), body)
    except DecodeError:
        return None


class JournalReader:
    """Reads a journal from a sequence number on; the file may be created later or be replaced by its repaired version."""

    def __init__(self, path: Path, *, after: int = 0) -> None:
        self._path = path
        self._after = after
        self._file = -1
        self._offset = 0

    def read(self) -> list[Entry]:
        """Return the next events, about a hundred at most; an empty list when there are none for now."""
        if self._file < 0 and not self._open():
            return []
        while lines := _complete_lines(self._file, self._offset):
            entries = [entry for entry in self._entries(lines) if entry.record.sequence > self._after]
            if entries:
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
            self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        last = last_entry(self._file)
        if last is not None and last.record.sequence < self._after:
            self._after = 0  # another journal under the same name: all of it is new
        self._offset = first_offset(self._file, lambda record: record.sequence > self._after)
        return True

    def _entries(self, lines: list[bytes]) -> Iterator[Entry]:
        for line in lines:
            entry = read_entry(line)
            if entry is None:
                log.warning("journal.line_skipped", path=str(self._path), offset=self._offset, reason="it is damaged")
            else:
                yield entry
            self._offset += len(line)

    def _is_replaced(self) -> bool:
        ours = os.fstat(self._file)
        try:
            theirs = self._path.stat()
        except FileNotFoundError:
            return True
        return (ours.st_ino, ours.st_dev) != (theirs.st_ino, theirs.st_dev) or theirs.st_size < self._offset


def first_offset(file: int, wanted: Callable[[EventRecord], bool]) -> int:
    """Return the offset of the first wanted line, or the end of the file; every line after a wanted one must be wanted."""
    low, high = 0, os.fstat(file).st_size
    while low < high:
        middle = (low + high) // 2
        end, entry = _entry_from(file, middle)
        if entry is None or wanted(entry.record):
            high = middle
        else:
            low = end
    return low


def last_entry(file: int) -> Entry | None:
    """Return the last undamaged event of a journal, reading from its end; ``None`` if there is none."""
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
    """Return the first undamaged event whose line begins at ``offset`` or later, and where that line ends."""
    if offset:
        offset = _next_line(file, offset - 1)
    while lines := _complete_lines(file, offset):
        for line in lines:
            offset += len(line)
            if entry := read_entry(line):
                return offset, entry
    return offset, None


def _next_line(file: int, offset: int) -> int:
    while chunk := os.pread(file, _CHUNK, offset):
        newline = chunk.find(b"\n")
        if newline >= 0:
            return offset + newline + 1
        offset += len(chunk)
    return offset


def _complete_lines(file: int, offset: int) -> list[bytes]:
    """Return the whole lines from ``offset`` on, as far as one read goes; at least one, however long, if there is one."""
    size = _CHUNK
    while True:
        chunk = os.pread(file, size, offset)
        end = chunk.rfind(b"\n") + 1
        if end or len(chunk) < size:
            # Not splitlines: it also splits at U+0085 and similar characters, which a line may contain.
            return [line + b"\n" for line in chunk[:end].split(b"\n")[:-1]]
        size *= 2
