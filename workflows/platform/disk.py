"""What is there of a path that need not exist yet."""

import shutil
from pathlib import Path


def existing(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    return path if path.exists() else existing(path.parent)


def free_mib(path: Path) -> int:
    """Return how much the disk has free where the path will be, in MiB."""
    return shutil.disk_usage(existing(path)).free // 2**20
