"""The index of buckets, objects and uploads: a SQLite database beside the contents."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from .errors import access_denied, no_such_bucket

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
"""
# A bucket belongs to the project with this id or, of the administrator's project, name. Without signatures there were no owners.
ADMIN = "admin"
OWNERS = f"ALTER TABLE buckets ADD COLUMN owner TEXT NOT NULL DEFAULT '{ADMIN}'"
# The size of a bucket, in bytes: that of its objects and of the parts of its unfinished uploads. Triggers change it in the transaction
# of the object or the part, so that a quota reads it instead of all objects. A BEFORE trigger sees the row that a new one replaces.
SIZES = """
ALTER TABLE buckets ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
UPDATE buckets SET size = (SELECT coalesce(sum(size), 0) FROM objects WHERE bucket = name)
    + (SELECT coalesce(sum(size), 0) FROM parts JOIN uploads ON upload = id WHERE bucket = name);
CREATE TRIGGER object_added BEFORE INSERT ON objects BEGIN UPDATE buckets SET size = size + NEW.size
    - coalesce((SELECT size FROM objects WHERE (bucket, key) = (NEW.bucket, NEW.key)), 0) WHERE name = NEW.bucket; END;
CREATE TRIGGER object_deleted AFTER DELETE ON objects BEGIN UPDATE buckets SET size = size - OLD.size WHERE name = OLD.bucket; END;
CREATE TRIGGER part_added BEFORE INSERT ON parts BEGIN UPDATE buckets SET size = size + NEW.size
    - coalesce((SELECT size FROM parts WHERE (upload, number) = (NEW.upload, NEW.number)), 0)
    WHERE name = (SELECT bucket FROM uploads WHERE id = NEW.upload); END;
CREATE TRIGGER upload_ended BEFORE DELETE ON uploads BEGIN UPDATE buckets SET size = size
    - (SELECT coalesce(sum(size), 0) FROM parts WHERE upload = OLD.id) WHERE name = OLD.bucket; END;
"""
VERSION = 3


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
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version < 1:
                self._create(folder)
            if version < 2:  # noqa: PLR2004 - the first version with owners
                self._connection.execute(OWNERS)
            if version < VERSION:
                for statement in SIZES.split(";\n"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {VERSION}")

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


class View:
    """The database as a project sees it: only its own buckets can be used, or with ``sees_all`` those of every project."""

    def __init__(self, database: Database, project: str, *, sees_all: bool) -> None:
        self._database, self.project, self.sees_all = database, project, sees_all
        self.transaction = database.transaction

    @contextmanager
    def bucket(self, name: str) -> Iterator[sqlite3.Connection]:
        """Execute the statements of a block, which concern a bucket, together; see ``Database.transaction``.

        The bucket is checked in the same transaction: during a long upload it may be deleted and belong to another project.

        Raises: S3Error, NoSuchBucket or AccessDenied.
        """
        with self._database.transaction() as connection:
            found = connection.execute("SELECT owner FROM buckets WHERE name = ?", (name,)).fetchone()
            if found is None:
                raise no_such_bucket(name)
            if not self.sees_all and found != (self.project,):
                raise access_denied(f"bucket {name} belongs to another project")
            yield connection
