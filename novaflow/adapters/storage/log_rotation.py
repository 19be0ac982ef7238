"""Keeps log files small while programs write to them."""

import os
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

LARGEST = 16 << 20  # bytes of one file; with its predecessor, a service has at most twice as much
_CHUNK = 1 << 20


def rotate_logs(folder: Path, *, largest: int = LARGEST) -> None:
    """Move the content of each log file in the folder that is larger than ``largest`` bytes to a file with the suffix ``.1``.

    A program that writes keeps its open file, which it has opened for appending; lines that it writes during the few
    milliseconds between the copy and the truncation are lost. A file that cannot be rotated is logged, and tried again later.
    """
    for path in folder.glob("*.log"):
        try:
            if path.stat().st_size > largest:
                _rotate(path, largest)
        except OSError as error:
            log.warning("log.not_rotated", path=str(path), reason=str(error))


def _rotate(path: Path, largest: int) -> None:
    old = path.with_name(f"{path.name}.1")
    with path.open("r+b") as source:
        source.seek(max(0, os.fstat(source.fileno()).st_size - largest))  # of a flood only the end
        with old.open("wb") as target:
            while chunk := source.read(_CHUNK):
                target.write(chunk)
        source.truncate(0)
    old.chmod(path.stat().st_mode & 0o777)
    log.info("log.rotated", path=str(path))
