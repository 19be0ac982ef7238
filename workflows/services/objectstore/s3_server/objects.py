"""Buckets and objects in the index."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field

from .database import View
from .errors import S3Error, no_such_key, no_such_upload
from .quota import Space

FIELDS = "key, file, size, etag, modified, details"
PAGE = 1000  # rows that are read at once


@dataclass(frozen=True, slots=True)
class Details:
    """What belongs to an object beside its content; ``checksums`` in Base64 by algorithm, ``checksum_type`` of S3.

    ``parts`` are the sizes of the parts of a multipart upload, in bytes.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    checksum_type: str = "FULL_OBJECT"
    parts: tuple[int, ...] = ()

    def to_json(self) -> str:
        """Return the details as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Details":
        """Return the details that ``to_json`` wrote."""
        found = json.loads(text)
        return cls(**{**found, "parts": tuple(found.get("parts", ()))})


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object; ``file`` is its content, ``size`` in bytes, ``modified`` in seconds since 1970."""

    key: str
    file: str
    size: int
    etag: str
    details: Details
    modified: float = field(default_factory=time.time)


class Objects:
    """The buckets and objects of the index.

    Raises: S3Error, NoSuchBucket or AccessDenied, in each method that has a bucket.
    """

    def __init__(self, view: View, etag_of: Callable[[str], str]) -> None:
        """Objects of an earlier version have no entity tag; ``etag_of`` computes that of a file."""
        self._view, self._etag_of = view, etag_of

    def buckets(self, prefix: str, after: str, limit: int) -> list[tuple[str, float]]:
        """Return name and time of creation of the project's buckets whose names begin with ``prefix`` and follow ``after``."""
        query = "SELECT name, created FROM buckets WHERE (owner = ? OR ?) AND substr(name, 1, ?) = ? AND name > ? ORDER BY name LIMIT ?"
        with self._view.transaction() as connection:
            values = self._view.project, self._view.sees_all, len(prefix), prefix, after, limit
            return connection.execute(query, values).fetchall()

    def create_bucket(self, name: str) -> None:
        """Create a bucket; raise BucketAlreadyOwnedByYou if it exists, BucketAlreadyExists if it is another project's."""
        with self._view.transaction() as connection:
            found = connection.execute("SELECT owner FROM buckets WHERE name = ?", (name,)).fetchone()
            if found:
                is_own = self._view.sees_all or found == (self._view.project,)
                code = "BucketAlreadyOwnedByYou" if is_own else "BucketAlreadyExists"
                raise S3Error(409, code, f"bucket {name} already exists{'' if is_own else ' and belongs to another project'}")
            connection.execute("INSERT INTO buckets (name, created, owner) VALUES (?, ?, ?)", (name, time.time(), self._view.project))

    def check_bucket(self, name: str) -> None:
        """Raise NoSuchBucket if a bucket does not exist, AccessDenied if it is another project's."""
        with self._view.bucket(name):
            pass

    def delete_bucket(self, name: str) -> list[str]:
        """Delete a bucket without objects, and return the files of its unfinished uploads."""
        files = "SELECT file FROM parts JOIN uploads ON upload = id WHERE bucket = ?"
        with self._view.bucket(name) as connection:
            unused = [file for (file,) in connection.execute(files, (name,))]
            try:
                connection.execute("DELETE FROM buckets WHERE name = ?", (name,))
            except sqlite3.IntegrityError as error:
                raise S3Error(409, "BucketNotEmpty", f"bucket {name} contains objects") from error
        return unused

    def find(self, bucket: str, key: str) -> StoredObject:
        """Return an object; raise NoSuchKey."""
        with self._view.bucket(bucket) as connection:
            found = self._find(connection, bucket, key)
        if found is None:
            raise no_such_key(key)
        return found

    def put(
        self, bucket: str, new: StoredObject, check: Callable[[StoredObject | None], None], upload: str = "", space: Space | None = None
    ) -> list[str]:
        """Add or replace an object if ``check`` accepts the old one, end its multipart ``upload``, and return the unused files.

        With ``space``, what the new object has more than the old one is reserved; a content that was uploaded has its space already.
        """
        with self._view.bucket(bucket) as connection:
            old = self._find(connection, bucket, new.key)
            check(old)
            if space:
                space.cover(connection, new.size - (old.size if old else 0))
            row = (bucket, new.key.encode(), new.file, new.size, new.etag, new.modified, new.details.to_json())
            connection.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            unused = [old.file] if old else []
            if upload:
                unused += [file for (file,) in connection.execute("SELECT file FROM parts WHERE upload = ?", (upload,))]
                if not connection.execute("DELETE FROM uploads WHERE id = ?", (upload,)).rowcount:
                    raise no_such_upload(upload)  # another request has completed or aborted it
        return unused

    def delete(self, bucket: str, key: str, check: Callable[[StoredObject | None], None]) -> list[str]:
        """Delete an object if ``check`` accepts it, and return its files; none if it does not exist."""
        with self._view.bucket(bucket) as connection:
            old = self._find(connection, bucket, key)
            check(old)
            connection.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, key.encode()))
        return [old.file] if old else []

    def change(self, bucket: str, key: str, details: Callable[[Details], Details]) -> None:
        """Replace the details of an object; its content and time stay the same."""
        with self._view.bucket(bucket) as connection:
            found = self._find(connection, bucket, key)
            if found is None:
                raise no_such_key(key)
            values = (details(found.details).to_json(), bucket, key.encode())
            connection.execute("UPDATE objects SET details = ? WHERE bucket = ? AND key = ?", values)

    def walk(self, bucket: str, first: bytes, end: bytes) -> Iterator[StoredObject]:
        """Yield the objects from the key ``first`` to before ``end``, in order."""
        query = f"SELECT {FIELDS} FROM objects WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key LIMIT {PAGE}"  # noqa: S608 - constants
        while True:
            with self._view.bucket(bucket) as connection:
                found = [self._object(connection, bucket, row) for row in connection.execute(query, (bucket, first, end)).fetchall()]
            yield from found
            if len(found) < PAGE:
                return
            first = found[-1].key.encode() + b"\0"

    def files(self) -> frozenset[str]:
        """Return the files of all objects and parts, of all projects."""
        with self._view.transaction() as connection:
            return frozenset(file for (file,) in connection.execute("SELECT file FROM objects UNION SELECT file FROM parts"))

    def _find(self, connection: sqlite3.Connection, bucket: str, key: str) -> StoredObject | None:
        query = f"SELECT {FIELDS} FROM objects WHERE bucket = ? AND key = ?"  # noqa: S608 - constants
        row = connection.execute(query, (bucket, key.encode())).fetchone()
        return self._object(connection, bucket, row) if row else None

    def _object(self, connection: sqlite3.Connection, bucket: str, row: tuple[bytes, str, int, str, float, str]) -> StoredObject:
        key, file, size, etag, modified, details = row
        if not etag:
            etag = self._etag_of(file)
            connection.execute("UPDATE objects SET etag = ? WHERE bucket = ? AND key = ?", (etag, bucket, key))
        return StoredObject(key.decode(), file, size, etag, Details.from_json(details), modified)
