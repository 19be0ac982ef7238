"""Small file systems for stacks, which become full."""

# ruff: noqa: S603, S607, TID251 - mounts a file system

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

WITHIN_S = 30


def require_root() -> None:
    """Skip the test where file systems cannot be mounted; in CI it fails instead."""
    if os.environ.get("CI") != "true" and os.geteuid() != 0:
        pytest.skip("needs root to mount a file system")


@contextmanager
def small_disk(folder: Path, size_mib: int) -> Iterator["Disk"]:
    """Mount an empty file system in memory on the folder for the duration of the block."""
    require_root()
    folder.mkdir()
    options = f"size={size_mib}M"
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=700,{options}", "tmpfs", folder], check=True, timeout=WITHIN_S)
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True, timeout=WITHIN_S)


class Disk:
    """A small file system that can be filled and emptied."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._filler = folder, folder / "filler"

    def fill(self, *, free: int = 0) -> None:
        """Use up all space but ``free`` bytes."""
        with self._filler.open("ab", buffering=0) as filler:
            for size in (1 << 20, 1 << 12, 1):
                _write_until_full(filler.fileno(), b"\0" * size)
            if free:
                os.ftruncate(filler.fileno(), max(0, os.fstat(filler.fileno()).st_size - free))

    def empty(self) -> None:
        """Free what ``fill`` has used."""
        self._filler.unlink()

    def make_larger(self, size_mib: int) -> None:
        """Give the file system this size; what ``fill`` has used stays."""
        self._remount(f"size={size_mib}M")

    def make_read_only(self) -> None:
        """Refuse further writes; no file may be open for writing."""
        self._remount("ro")

    def _remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", self._folder], check=True, timeout=WITHIN_S)


def _write_until_full(file: int, chunk: bytes) -> None:
    try:
        while os.write(file, chunk) == len(chunk):
            pass
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
