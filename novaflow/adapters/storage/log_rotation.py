"""Keeps log files small while programs write to them."""

import errno
import os
from io import RawIOBase
from pathlib import Path

import structlog

from novaflow.settings import open_log, refuse_links

log = structlog.get_logger(__name__)

LARGEST = 16 << 20  # bytes of one file; with its predecessor, a service has at most twice as much
_CHUNK = 1 << 20


def rotate_logs(folder: Path, *, largest: int = LARGEST) -> bool:
    """Move the end of each log file in the folder that is larger than ``largest`` bytes to a file with the suffix ``.1``.

    Return whether there was one. A program that writes keeps its open file, which it has opened for appending; lines that it
    writes during the few milliseconds between the copy and the truncation are lost. On a full disk, what does not fit is lost.
    A file that cannot be rotated is logged, and tried again later.
    """
    is_rotated = False
    for path in folder.glob("*.log"):
        try:
            if path.stat().st_size > largest:
                _rotate(path, largest)
                is_rotated = True
        except OSError as error:
            log.warning("log.not_rotated", path=str(path), reason=str(error))
    return is_rotated


def _rotate(path: Path, largest: int) -> None:
    old = path.with_name(f"{path.name}.1")
    with open(path, "r+b", opener=refuse_links) as source:
        source.seek(max(0, os.fstat(source.fileno()).st_size - largest))  # of a flood only the end
        with open(old, "wb", buffering=0, opener=open_log) as target:
            rest = largest  # not to the end of the file: a program that writes as fast as this copies would never be done
            while rest > 0 and (chunk := source.read(min(_CHUNK, rest))) and _has_written(target, chunk):
                rest -= len(chunk)
        source.truncate(0)
    log.info("log.rotated", path=str(path))


def _has_written(target: RawIOBase, chunk: bytes) -> bool:
    """Write the chunk, and return whether the disk has accepted all of it."""
    try:
        return target.write(chunk) == len(chunk)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        return False
