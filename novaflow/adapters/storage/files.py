"""Atomic writes, and the end of log files."""

import os
import secrets
from pathlib import Path

import aiofiles
import aiofiles.os

from novaflow.errors import MachineError


async def write_atomic(path: Path, content: str | bytes, mode: int = 0o640) -> None:
    """Write ``content`` to ``path`` and make the folders it lies in.

    Raises: MachineError, if the disk is full or the place cannot be written.
    """
    helper = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    data = content.encode() if isinstance(content, str) else content
    try:
        await aiofiles.os.makedirs(path.parent, exist_ok=True)
        # Created with its mode, so that a password is never readable by others.
        descriptor = os.open(helper, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            async with aiofiles.open(descriptor, "wb") as target:
                await target.write(data)
            await aiofiles.os.replace(helper, path)
        except OSError:
            helper.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> MachineError:
    """Return the error that says what could not be written and why."""
    return MachineError(f"cannot write {path}: {(error.strerror or str(error)).lower()}; make room or choose another folder")


async def read_last_lines(path: Path, count: int = 12, most_bytes: int = 16_384) -> str:
    """Return the last lines of a log file; nothing if there is none."""
    try:
        async with aiofiles.open(path, "rb") as source:
            size = await source.seek(0, os.SEEK_END)
            await source.seek(max(0, size - most_bytes))
            lines = (await source.read()).decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[-count:])


class LineFollower:
    """The lines that are appended to a file from now on; it may be truncated, replaced, or not exist yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0
        self._rest = b""

    async def read(self) -> list[str]:
        """Return the lines that were completed since the last call."""
        try:
            async with aiofiles.open(self._path, "rb") as source:
                if await source.seek(0, os.SEEK_END) < self._offset:
                    self._offset, self._rest = 0, b""
                await source.seek(self._offset)
                new = await source.read()
        except FileNotFoundError:
            return []
        self._offset += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        return [line.decode(errors="replace") for line in lines]
