"""cpio archives in the "newc" format, which the kernel unpacks as its initial RAM file system.

Source: Documentation/driver-api/early-userspace/buffer-format.rst of the Linux kernel.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_FOLDER, _FILE = 0o040000, 0o100000
_END = "TRAILER!!!"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, or a folder if ``content`` is ``None``; it belongs to root and its modification time is the epoch."""

    path: str
    content: bytes | None = None
    mode: int = 0o644


def pack(entries: Iterable[Entry]) -> bytes:
    """Return the archive of the entries; equal entries give equal bytes."""
    archive = b"".join(_pack_one(number, entry) for number, entry in enumerate(entries, start=1))
    return archive + _pack_one(0, Entry(_END, b"", 0))


def unpack(entries: Iterable[Entry], root: Path) -> None:
    """Write the entries as files and folders below ``root``, which must not exist; a folder comes before its contents."""
    root.mkdir(parents=True)
    root.chmod(0o755)
    for entry in entries:
        path = root / entry.path
        if entry.content is None:
            path.mkdir()
            path.chmod(0o755)
        else:
            path.write_bytes(entry.content)
            path.chmod(entry.mode)


def _pack_one(number: int, entry: Entry) -> bytes:
    name, content = entry.path.encode() + b"\0", entry.content or b""
    # Only the trailer has no mode.
    mode = _FOLDER | 0o755 if entry.content is None else entry.mode and _FILE | entry.mode
    links = 2 if entry.content is None else 1
    # inode, mode, uid, gid, links, mtime, size, four device numbers, length of the name, checksum
    numbers = (number, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % value for value in numbers)
    return _padded(header + name) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
