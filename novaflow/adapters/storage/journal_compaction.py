"""Keeps a journal small: its oldest events are removed, except those from which the state of the stack is computed."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import structlog

from novaflow.adapters.storage.atomic_file import fsync_folder, write_atomic
from novaflow.adapters.storage.journal_format import add_checksum, first_offset, next_line, open_file, read_entry
from novaflow.model.latest_runs import LatestRuns

log = structlog.get_logger(__name__)

LARGEST = 32 << 20  # bytes: about 80,000 small events; reading all of them for damage takes 0.1 s
KEPT = 8 << 20  # bytes: about 20,000 small events
KEPT_UNCONFIRMED = 16 << 20  # bytes: about 40,000 small events, those of 200 runs
_LONGEST_LINE = 16 << 10  # bytes of an old event; one with a longer text is removed, so that what is kept stays small
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class CompactedCopy:
    """A copy of a journal without its oldest events; it has the journal up to the offset ``end``."""

    path: Path
    end: int


def compact_journal(
    path: Path, *, published: int, largest: int = LARGEST, kept: int = KEPT, kept_unconfirmed: int = KEPT_UNCONFIRMED
) -> None:
    """Remove the oldest events of a journal that is larger than ``largest`` bytes; no process writes it.

    The parameters are those of ``copy_newest``. A file that cannot be replaced stays as it is.
    """
    try:
        size = path.stat().st_size
        if size > largest and (copy := copy_newest(path, size, published=published, kept=kept, kept_unconfirmed=kept_unconfirmed)):
            replace_with(copy, path, size)
            fsync_folder(path.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("journal.not_compacted", path=str(path), reason=str(error))


def copy_newest(
    path: Path, size: int, *, published: int, kept: int = KEPT, kept_unconfirmed: int = KEPT_UNCONFIRMED
) -> CompactedCopy | None:
    """Copy the first ``size`` bytes of a journal without its oldest events; ``None`` if none can be removed.

    The last ``kept`` bytes stay, and of the last ``kept_unconfirmed`` bytes every event from the sequence number ``published``
    on, the last one that the broker has confirmed. Of older events, those stay that `LatestRuns` keeps. The journal may be
    written meanwhile. The copy is on the disk, and the same group may read it.

    Raises: OSError.
    """
    file = open_file(path)
    try:
        offset = min(first_offset(file, lambda record: record.sequence >= published), next_line(file, size - kept))
        offset = max(offset, next_line(file, size - kept_unconfirmed))
        if offset == 0:
            return None
        copy = CompactedCopy(path.with_name(f".{path.name}.compacted"), size)
        write_atomic(copy.path, chain(_latest_runs(file, offset), _chunks(file, offset, size)), fsync=True, group=_readers(file))
    finally:
        os.close(file)
    log.info("journal.compacted", path=str(path), removed_bytes=size - copy.path.stat().st_size)
    return copy


def replace_with(copy: CompactedCopy, path: Path, size: int) -> None:
    """Replace the journal with its copy, after adding what it has from the end of the copy up to ``size`` bytes.

    Raises: OSError; the journal is unchanged then.
    """
    file = open_file(path)
    try:
        with copy.path.open("ab") as newest:
            newest.writelines(_chunks(file, copy.end, size))
            newest.flush()
            os.fsync(newest.fileno())
        copy.path.replace(path)
    except OSError:
        copy.path.unlink(missing_ok=True)
        raise
    finally:
        os.close(file)


def _readers(file: int) -> int | None:
    """Return the id of the group that may read the open file; ``None`` if only its owner may."""
    found = os.fstat(file)
    return found.st_gid if found.st_mode & stat.S_IRGRP else None


def _latest_runs(file: int, end: int) -> Iterator[bytes]:
    """Yield the lines before the offset ``end`` that `LatestRuns` keeps."""
    runs = LatestRuns()
    for line in _lines(file, end):
        if len(line) <= _LONGEST_LINE and (entry := read_entry(line)):
            runs.add(entry.record)
    for record in runs.records():
        yield add_checksum(record.encode())


def _lines(file: int, end: int) -> Iterator[bytes]:
    rest = b""
    for chunk in _chunks(file, 0, end):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line + b"\n" for line in lines)


def _chunks(file: int, begin: int, end: int) -> Iterator[bytes]:
    while chunk := os.pread(file, min(_CHUNK, end - begin), begin):
        yield chunk
        begin += len(chunk)
