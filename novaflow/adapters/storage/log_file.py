"""The end of log files: last lines and new lines."""

import os
from pathlib import Path

import aiofiles

from novaflow.settings import refuse_links

MOST_BYTES = 1 << 20  # in memory; a program may write faster than its lines are shown


async def read_last_lines(path: Path, count: int = 12, most_bytes: int = 16_384) -> str:
    """Return the last ``count`` lines of the last ``most_bytes`` of a log file; an empty text if it does not exist."""
    try:
        async with aiofiles.open(path, "rb", opener=refuse_links) as file:
            size = await file.seek(0, os.SEEK_END)
            await file.seek(max(0, size - most_bytes))
            lines = (await file.read(most_bytes)).decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[-count:])


class LineFollower:
    """Reads the lines that are appended to a file from now on; the file may be truncated, replaced, or created later.

    It reads at most ``MOST_BYTES`` at once; a longer line is returned in pieces.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0
        self._incomplete = b""

    async def read(self) -> list[str]:
        """Return the lines that were completed since the last call."""
        try:
            async with aiofiles.open(self._path, "rb", opener=refuse_links) as file:
                if await file.seek(0, os.SEEK_END) < self._offset:
                    self._offset, self._incomplete = 0, b""
                await file.seek(self._offset)
                new = await file.read(MOST_BYTES)
        except FileNotFoundError:
            return []
        self._offset += len(new)
        *lines, self._incomplete = (self._incomplete + new).split(b"\n")
        if len(self._incomplete) > MOST_BYTES:
            lines, self._incomplete = [*lines, self._incomplete], b""
        return [line.decode(errors="replace") for line in lines]
