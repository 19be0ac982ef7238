"""The index of buckets, objects and uploads: a SQLite database beside the contents."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

# Keys are bytes: SQLite compares them as S3 sorts them. ``file`` is relative to the folder of the object store; ``details`` is JSON.
SCHEMA = """
CREATE TABLE buckets (name TEXT PRIMARY KEY, created REAL NOT NULL) STRICT;
CREATE TABLE objects (
    bucket TEXT NOT NULL REFERENCES buckets, key BLOB NOT NULL,
    file TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, modified REAL NOT NULL, details TEXT NOT NULL,
    PRIMARY KEY (bucket, key)) STRICT, WITHOUT ROWID;
CREATE TABLE uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL REFERENCES buckets ON DELETE CASCADE,
    key BLOB NOT NULL, created REAL NOT NULL, algorithm TEXT NOT NULL, details TEXT NOT NULL) STRICT;
CREATE TABLE parts (
    upload TEXT NOT NULL REFERENCES uploads ON DELETE CASCADE, number INTEGER NOT NULL,
    file TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, modified REAL NOT NULL, details TEXT NOT NULL,
    PRIMARY KEY (upload, number)) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
"""


class Database:
    """One connection for all threads; a transaction takes milliseconds."""

    def __init__(self, folder: Path) -> None:
        """Open the database in ``folder``; objects of an earlier version, which had no database, become part of it."""
        self._connection = sqlite3.connect(folder / "index.db", isolation_level=None, check_same_thread=False)
        self._lock = threading.Lock()
        # A confirmed write survives a power cut: FULL waits for the disk at each commit.
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        with self.transaction():
            if self._connection.execute("PRAGMA user_version").fetchone() == (0,):
                self._create(folder)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Execute the statements of a block together, or none of them if it raises an error."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            with self._connection:  # commits, or rolls back
                yield self._connection

    def _create(self, folder: Path) -> None:
        for statement in SCHEMA.split(";"):
            self._connection.execute(statement)
        for bucket in sorted((folder / "buckets").glob("*/")):
            self._connection.execute("INSERT INTO buckets VALUES (?, ?)", (bucket.name, bucket.stat().st_mtime))
            for path in bucket.iterdir():
                known = path.stat()
                row = (bucket.name, unquote(path.name).encode(), str(path.relative_to(folder)), known.st_size, known.st_mtime)
                self._connection.execute("INSERT INTO objects VALUES (?, ?, ?, ?, '', ?, '{}')", row)
