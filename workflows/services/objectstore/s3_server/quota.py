"""The space of a project: what its objects and parts use, and what its running uploads have reserved."""

import sqlite3
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from threading import Lock

from .body import Body
from .contents import Content
from .database import View
from .errors import S3Error

USED = "SELECT owner, (SELECT sum(size) FROM buckets WHERE owner = one.owner) FROM buckets AS one WHERE name = ?"


class QuotaExceeded(S3Error):
    """The error of a content that its project has no space for, as Ceph's object gateway reports it: S3 has no quota."""

    def __init__(self, message: str) -> None:
        super().__init__(403, "QuotaExceeded", message)


class Quota:
    """The limit of each project, in bytes, 0 for none; reserved bytes are those of running requests, so a restart forgets them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._reserved: Counter[str] = Counter()
        self._lock = Lock()

    def reserve(self, connection: sqlite3.Connection, bucket: str, size: int) -> str:
        """Reserve bytes for the owner of a bucket, and return the owner; the transaction of ``connection`` excludes other uploads.

        Raises: QuotaExceeded.
        """
        owner, used = connection.execute(USED, (bucket,)).fetchone()
        with self._lock:
            reserved = self._reserved[owner]
            if self._limit and used + reserved + size > self._limit:
                found = f"the project uses {used} of {self._limit} bytes, and its running uploads {reserved}; {size} more are needed"
                raise QuotaExceeded(f"{found}. Delete objects or abort uploads, or increase NOVAFLOW_S3_QUOTA.")
            self._reserved[owner] += size
        return str(owner)

    def release(self, taken: Counter[str]) -> None:
        """Give reserved bytes back."""
        with self._lock:
            self._reserved -= taken


class Space:
    """The bytes that one request has reserved for a content in a bucket."""

    def __init__(self, view: View, quota: Quota, bucket: str) -> None:
        self._view, self._quota, self._bucket = view, quota, bucket
        self._taken: Counter[str] = Counter()  # by owner: during a long upload, the bucket may be deleted and get another one

    def fill(self, source: Body | Content) -> Iterator[bytes]:
        """Yield the blocks of a content; space is reserved before the first for the announced length, then for what exceeds it.

        Raises: QuotaExceeded, when the whole content is read: a client that is still sending does not see the response.
        """
        blocks, size = iter(source), 0
        try:
            self._extend(source.length or 0)
            for block in blocks:
                size += len(block)
                self._extend(size)
                yield block
        except QuotaExceeded:
            if isinstance(source, Body):
                with suppress(S3Error):
                    deque(blocks, maxlen=0)
            raise

    def cover(self, connection: sqlite3.Connection, size: int) -> None:
        """Reserve so much that the content may have ``size`` bytes, in a transaction; raise QuotaExceeded."""
        if (more := size - self._taken.total()) > 0:
            self._taken[self._quota.reserve(connection, self._bucket, more)] += more

    def release(self) -> None:
        """Give all bytes back: the index contains the content, or it was removed."""
        self._quota.release(self._taken)

    def _extend(self, size: int) -> None:
        if size > self._taken.total():
            with self._view.bucket(self._bucket) as connection:
                self.cover(connection, size)
