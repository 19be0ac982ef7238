"""Two writers of one SQLite file: with the plugin the second waits where it can wait, at the beginning."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.dialects import plugins
from sqlalchemy.exc import OperationalError

from workflows.infra.database import sqlite_lock
from workflows.platform.python_env import SQLITE_PLUGIN

AT_ONCE = "timeout=0"  # who would have to wait is refused, so that no test waits


def engine_of(url: str) -> Engine:
    """Make an engine that begins as oslo.db's do: Python's sqlite3 is kept from it, and ``BEGIN`` is said."""

    def keep_quiet(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None

    engine = sqlalchemy.create_engine(url)
    event.listen(engine, "connect", keep_quiet)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


@pytest.fixture
def counter(tmp_path: Path) -> str:
    """Lend the address of a database with a counter at 0, in the mode the template has."""
    file = tmp_path / "counter.db"
    database = sqlite3.connect(file)
    database.executescript("PRAGMA journal_mode=WAL; CREATE TABLE counter (value INTEGER); INSERT INTO counter VALUES (0)")
    database.close()
    return f"sqlite:///{file}?{AT_ONCE}"


def read(connection: Connection) -> int:
    """Return the counter."""
    return int(connection.scalar(text("SELECT value FROM counter")) or 0)


def write(connection: Connection, value: int) -> None:
    """Set the counter."""
    connection.execute(text("UPDATE counter SET value = :value"), {"value": value})


def test_without_it_a_transaction_that_has_read_cannot_write_any_more(counter: str) -> None:
    """This is what makes servers fail: the refusal comes in the middle, where no waiting helps."""
    engine = engine_of(counter)
    with engine.begin() as first:
        read(first)
        with engine.begin() as second:
            write(second, 1)
        with pytest.raises(OperationalError, match="database is locked"):
            write(first, read(first) + 1)


def test_with_it_the_second_waits_to_begin(counter: str) -> None:
    """Whoever has begun can write; the other, who has nothing to lose yet, comes after it and sees what was written."""
    plugins.register(SQLITE_PLUGIN, sqlite_lock.__name__, sqlite_lock.WriteLockFirst.__name__)
    engine = engine_of(f"{counter}&plugin={SQLITE_PLUGIN}")
    with engine.begin() as first:
        read(first)
        with pytest.raises(OperationalError, match="database is locked"), engine.begin():
            pass
        write(first, read(first) + 1)
    with engine.begin() as second:
        write(second, read(second) + 1)
    with engine.begin() as later:
        assert read(later) == 2
