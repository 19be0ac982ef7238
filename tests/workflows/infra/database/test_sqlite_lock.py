"""Two transactions on one SQLite file: with the plugin the second one waits at its start, where it can."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.dialects import plugins
from sqlalchemy.exc import OperationalError

from workflows.infra.database import sqlite_lock
from workflows.infra.database.urls import SQLITE_PLUGIN

NO_WAIT = "timeout=0"  # a transaction that would wait fails at once, so that no test waits


def create_engine(url: str) -> Engine:
    """Return an engine that starts transactions as oslo.db's engines do: with ``BEGIN``, not by Python's sqlite3."""

    def disable_transactions(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None

    engine = sqlalchemy.create_engine(url)
    event.listen(engine, "connect", disable_transactions)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


@pytest.fixture
def counter(tmp_path: Path) -> str:
    """Return the URL of a database that contains a counter at 0, in the journal mode of the template."""
    file = tmp_path / "counter.db"
    database = sqlite3.connect(file)
    database.executescript("PRAGMA journal_mode=WAL; CREATE TABLE counter (value INTEGER); INSERT INTO counter VALUES (0)")
    database.close()
    return f"sqlite:///{file}?{NO_WAIT}"


def read(connection: Connection) -> int:
    """Return the counter."""
    return int(connection.scalar(text("SELECT value FROM counter")) or 0)


def write(connection: Connection, value: int) -> None:
    """Set the counter."""
    connection.execute(text("UPDATE counter SET value = :value"), {"value": value})


def test_without_the_plugin_a_transaction_fails_after_its_read(counter: str) -> None:
    """Its write is rejected if another transaction wrote after its read, and waiting does not help."""
    engine = create_engine(counter)
    with engine.begin() as first:
        read(first)
        with engine.begin() as second:
            write(second, 1)
        with pytest.raises(OperationalError, match="database is locked"):
            write(first, read(first) + 1)


def test_with_the_plugin_the_second_transaction_waits_at_its_start(counter: str) -> None:
    """A transaction that has started can write; the other one starts after it and reads what it wrote."""
    plugins.register(SQLITE_PLUGIN, sqlite_lock.__name__, sqlite_lock.WriteLockFirst.__name__)
    engine = create_engine(f"{counter}&plugin={SQLITE_PLUGIN}")
    with engine.begin() as first:
        read(first)
        with pytest.raises(OperationalError, match="database is locked"), engine.begin():
            pass
        write(first, read(first) + 1)
    with engine.begin() as second:
        write(second, read(second) + 1)
    with engine.begin() as later:
        assert read(later) == 2
