"""Multipart uploads in the index."""

import json
import secrets
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from .database import View
from .errors import no_such_upload
from .objects import Details


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload; ``algorithm`` is that of its checksums, empty if it has none; ``created`` in seconds since 1970."""

    bucket: str
    key: str
    details: Details
    algorithm: str = ""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    created: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an upload; ``file`` is its content, ``size`` in bytes, ``checksums`` in Base64 by algorithm."""

    number: int
    file: str
    size: int
    etag: str
    checksums: Mapping[str, str]
    modified: float = field(default_factory=time.time)


class Uploads:
    """The uploads and parts of the index.

    Raises: S3Error, NoSuchBucket or AccessDenied, in each method that has a bucket.
    """

    def __init__(self, view: View) -> None:
        self._view = view

    def create(self, upload: Upload) -> None:
        """Add an upload."""
        row = (upload.id, upload.bucket, upload.key.encode(), upload.created, upload.algorithm, upload.details.to_json())
        with self._view.bucket(upload.bucket) as connection:
            connection.execute("INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?)", row)

    def find(self, bucket: str, key: str, upload_id: str) -> Upload:
        """Return an upload; raise NoSuchUpload."""
        query = "SELECT bucket, key, details, algorithm, id, created FROM uploads WHERE id = ? AND bucket = ? AND key = ?"
        with self._view.bucket(bucket) as connection:
            row = connection.execute(query, (upload_id, bucket, key.encode())).fetchone()
        if row is None:
            raise no_such_upload(upload_id)
        return _upload(row)

    def walk(self, bucket: str, prefix: str, after: tuple[str, str], limit: int) -> list[Upload]:
        """Return at most ``limit`` uploads by key and id, those after the key and the id in ``after``."""
        query = (
            "SELECT bucket, key, details, algorithm, id, created FROM uploads"
            " WHERE bucket = ? AND substr(key, 1, ?) = ? AND (key, id) > (?, ?) ORDER BY key, id LIMIT ?"
        )
        key, upload_id = after[0].encode(), after[1]
        with self._view.bucket(bucket) as connection:
            rows = connection.execute(query, (bucket, len(prefix.encode()), prefix.encode(), key, upload_id, limit)).fetchall()
        return [_upload(row) for row in rows]

    def abort(self, upload_id: str) -> list[str]:
        """Delete an upload with its parts, and return their files."""
        with self._view.transaction() as connection:
            unused = [file for (file,) in connection.execute("SELECT file FROM parts WHERE upload = ?", (upload_id,))]
            connection.execute("DELETE FROM uploads WHERE id = ?", (upload_id,))
        return unused

    def put_part(self, upload_id: str, part: Part) -> list[str]:
        """Add or replace a part, and return the files that are not used any more; raise NoSuchUpload."""
        row = (upload_id, part.number, part.file, part.size, part.etag, part.modified, json.dumps(dict(part.checksums)))
        old = "SELECT file FROM parts WHERE upload = ? AND number = ?"
        with self._view.transaction() as connection:
            unused = [file for (file,) in connection.execute(old, (upload_id, part.number))]
            try:
                connection.execute("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError as error:
                raise no_such_upload(upload_id) from error
        return unused

    def parts(self, upload_id: str) -> list[Part]:
        """Return the parts of an upload by number."""
        query = "SELECT number, file, size, etag, details, modified FROM parts WHERE upload = ? ORDER BY number"
        with self._view.transaction() as connection:
            rows = connection.execute(query, (upload_id,)).fetchall()
        return [Part(number, file, size, etag, json.loads(details), modified) for number, file, size, etag, details, modified in rows]


def _upload(row: tuple[str, bytes, str, str, str, float]) -> Upload:
    bucket, key, details, algorithm, upload_id, created = row
    return Upload(bucket, key.decode(), Details.from_json(details), algorithm, upload_id, created)
