"""A plugin of SQLAlchemy that takes SQLite's write lock at the start of each transaction.

oslo.db starts every transaction with ``BEGIN``. If such a transaction reads first and another one writes before it does, SQLite
rejects its write at once, whatever its timeout, and OpenStack's services do not retry. With ``BEGIN IMMEDIATE`` the second
transaction waits at its start instead. Source: sqlite.org/lang_transaction.html.
"""

from sqlalchemy import event
from sqlalchemy.engine import URL, CreateEnginePlugin, Engine  # where both SQLAlchemy 1.4, of ec2-api, and 2 have them


class WriteLockFirst(CreateEnginePlugin):
    """The plugin, which ``plugin=novaflow_sqlite_lock`` in the URL of a database selects."""

    def update_url(self, url: URL) -> URL:
        """Return the URL without the parameter that selects this plugin."""
        return url.difference_update_query(["plugin"])

    def engine_created(self, engine: Engine) -> None:
        """Replace each ``BEGIN`` on the connections of the engine."""
        event.listen(engine, "before_cursor_execute", _lock, retval=True)


def _lock(_: object, __: object, statement: str, parameters: object, *___: object) -> tuple[str, object]:
    return ("BEGIN IMMEDIATE" if statement == "BEGIN" else statement), parameters
