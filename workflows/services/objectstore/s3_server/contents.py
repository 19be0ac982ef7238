"""The contents of objects and parts: files that are written once, and removed when no object needs them."""

import hashlib
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .body import BLOCK, read_exactly

FOLDER = "contents"


@dataclass(frozen=True, slots=True)
class NewContent:
    """A content that is being written; ``file`` is its name."""

    file: str
    stream: IO[bytes]

    def write(self, blocks: Iterable[bytes], *observers: Callable[[bytes], object]) -> int:
        """Write the blocks, call each observer with each of them, and return the number of bytes when they are on the disk."""
        for block in blocks:
            for observe in observers:
                observe(block)
            self.stream.write(block)
        self.stream.flush()
        os.fsync(self.stream.fileno())
        return self.stream.tell()


class Contents:
    """The files below one folder; a file is named by its path in it."""

    def __init__(self, root: Path) -> None:
        (root / FOLDER).mkdir(parents=True, exist_ok=True)
        self._root = root

    @contextmanager
    def new(self) -> Iterator[NewContent]:
        """Create a file, which is removed if the block raises an error: the block ends by adding it to the index."""
        file = f"{FOLDER}/{uuid.uuid4().hex}"
        with (self._root / file).open("xb") as stream:
            try:
                yield NewContent(file, stream)
            except BaseException:
                self.remove(file)
                raise

    def link(self, file: str) -> str:
        """Give a content a second name, without copying it, and return the name."""
        name = f"{FOLDER}/{uuid.uuid4().hex}"
        os.link(self._root / file, self._root / name)
        return name

    def remove(self, *files: str) -> None:
        """Remove contents; a response that is being sent is not affected."""
        for file in files:
            (self._root / file).unlink(missing_ok=True)

    def remove_except(self, used: frozenset[str]) -> None:
        """Remove the contents that the index does not have, which a crash left."""
        self.remove(*({f"{FOLDER}/{path.name}" for path in (self._root / FOLDER).iterdir()} - used))

    def open(self, file: str) -> "Content":
        """Open a content."""
        return Content((self._root / file).open("rb"))

    def etag(self, file: str) -> str:
        """Return the MD5 hash of a content."""
        with (self._root / file).open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


class Content:
    """The bytes of an open file, block by block; the file is closed after the last of them, or by ``close``."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.length: int | None = None  # bytes that were selected; all of them if None

    def select(self, first: int, length: int) -> None:
        """Limit the content to ``length`` bytes from byte ``first``."""
        self._stream.seek(first)
        self.length = length

    def __iter__(self) -> Iterator[bytes]:
        """Yield blocks of the file."""
        with self._stream:
            yield from read_exactly(self._stream, self.length) if self.length is not None else iter(lambda: self._stream.read(BLOCK), b"")

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
