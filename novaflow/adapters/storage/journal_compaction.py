"""Keeps a journal small: its oldest events are removed when a command opens it."""

import os
from collections.abc import Iterator
from pathlib import Path

import structlog

from novaflow.adapters.storage.atomic_file import write_atomic
from novaflow.adapters.storage.journal_format import first_offset, next_line, open_file

log = structlog.get_logger(__name__)

LARGEST = 32 << 20  # bytes: about 80,000 small events; reading all of them for damage takes 0.1 s
KEPT = 8 << 20  # bytes: about 20,000 small events
_CHUNK = 1 << 20


def compact_journal(path: Path, *, published: int, largest: int = LARGEST, kept: int = KEPT) -> None:
    """Remove the oldest events of a journal that is larger than ``largest`` bytes; the caller is its only writer.

    The last ``kept`` bytes stay, and every event from the sequence number ``published`` on, the last one that the broker has
    confirmed. A file that cannot be replaced stays as it is.
    """
    try:
        file = open_file(path)
    except FileNotFoundError:
        return
    try:
        size = os.fstat(file).st_size
        if size <= largest:
            return
        offset = min(first_offset(file, lambda record: record.sequence >= published), next_line(file, size - kept))
        if offset > 0:
            write_atomic(path, _chunks(file, offset), fsync=True)
            log.info("journal.compacted", path=str(path), removed_bytes=offset)
    except OSError as error:
        log.warning("journal.not_compacted", path=str(path), reason=str(error))
    finally:
        os.close(file)


def _chunks(file: int, offset: int) -> Iterator[bytes]:
    while chunk := os.pread(file, _CHUNK, offset):
        yield chunk
        offset += len(chunk)
