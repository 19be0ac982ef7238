"""Free disk space, write access and deletion of paths that need not exist."""

import shutil
import tempfile
from pathlib import Path

from novaflow.model.disk import low_below
from novaflow.model.step import Skipped


def find_existing(path: Path) -> Path:
    """Return the path, or its nearest parent that exists."""
    return path if path.exists() else find_existing(path.parent)


def free_mib(path: Path) -> int:
    """Return the free space of the file system that the path is on, or will be on, in MiB."""
    return shutil.disk_usage(find_existing(path)).free // 2**20


def low_mib(path: Path) -> int:
    """Return the free space in MiB below which the file system that the path is on, or will be on, is nearly full."""
    return low_below(shutil.disk_usage(find_existing(path)).total) // 2**20


def delete_folder(folder: Path, *, missing: str) -> Skipped | str:
    """Delete a folder with its content, and return what a step returns; ``missing`` is the reason where there is none."""
    if not folder.exists():
        return Skipped(missing)
    shutil.rmtree(folder)
    return f"deleted {folder}"


def find_write_error(folder: Path) -> str | None:
    """Return why no file can be created in the folder, or in the parent where it will be; ``None`` if one can."""
    existing = find_existing(folder)
    try:
        with tempfile.TemporaryFile(dir=existing):
            return None
    except OSError as error:
        return f"{folder} cannot be written: {existing}: {(error.strerror or '').lower()}"
