"""Files that are replaced in one step: a reader sees the old content or the new one."""

import errno
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile

import anyio

from novaflow.errors import MachineError
from novaflow.settings import share_open

_FIXES = {errno.EIO: "repair the disk", errno.EROFS: "mount the file system writable"}
LEAST_FREE = 1 << 18  # bytes: the events and the logs of one start are half of it


def write_atomic(
    path: Path, content: str | bytes | Iterable[bytes], mode: int = 0o600, *, fsync: bool = False, group: int | None = None
) -> None:
    """Replace the file, or a link of its name; ``fsync`` waits until the content and the name are on the disk.

    ``group`` is the id of a group that may read it.

    Raises: OSError; the old file is unchanged then.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    # Created with its mode, so that a password is never readable for others.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(_chunks(content))
            if group is not None:
                share_open(file.fileno(), group)
            if fsync:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - one system call, which pathlib does not promise
        if fsync:
            fsync_folder(path.parent)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def fsync_folder(folder: Path) -> None:
    """Wait until the names in the folder are on the disk.

    Raises: OSError.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _chunks(content: str | bytes | Iterable[bytes]) -> Iterable[bytes]:
    if isinstance(content, str):
        return (content.encode(),)
    return (content,) if isinstance(content, bytes) else content


async def write_with_folder(path: Path, content: str | bytes, mode: int = 0o600, *, fsync: bool = False, group: int | None = None) -> None:
    """Replace the file without blocking the event loop, and create its folder; ``fsync`` and ``group`` are those of ``write_atomic``.

    Raises: MachineError, with the reason.
    """

    def write() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content, mode, fsync=fsync, group=group)

    try:
        await anyio.to_thread.run_sync(write)
    except OSError as error:
        raise write_error(path, error) from error


def require_space(folder: Path) -> None:
    """Return if the file system of an existing folder has space for what every command writes.

    Raises: MachineError, with the reason.
    """
    try:
        with TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, LEAST_FREE)
    except OSError as error:
        raise write_error(folder, error) from error


def write_error(path: Path, error: OSError) -> MachineError:
    """Return the error for a file that cannot be written."""
    return MachineError(f"cannot write {path}: {reason_of(error)}; {fix_for(error)} or choose another folder")


def reason_of(error: OSError) -> str:
    """Return what the system says, for example ``no space left on device``."""
    return (error.strerror or str(error)).lower()


def fix_for(error: OSError) -> str:
    """Return what the user can do about a write that failed."""
    return _FIXES.get(error.errno or 0, "free some space")
