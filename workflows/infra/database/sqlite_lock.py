"""A plugin for SQLAlchemy, in the stack's own environment: on SQLite a transaction takes the write lock as it begins.

oslo.db begins every transaction with ``BEGIN``. One that has read and then wants to write is refused at once, however
long it would wait, if another wrote in between; and OpenStack's services do not try again. Begun with ``BEGIN IMMEDIATE``
they wait for each other instead. Source: sqlite.org/lang_transaction.html.
"""

from sqlalchemy import event
from sqlalchemy.engine import URL, CreateEnginePlugin, Engine  # also where ec2-api's older release has them


class WriteLockFirst(CreateEnginePlugin):
    """Asked for by ``plugin=novaflow_sqlite_lock`` in a database's address."""

    def update_url(self, url: URL) -> URL:
        """Return the address without what was for this plugin."""
        return url.difference_update_query(["plugin"])

    def engine_created(self, engine: Engine) -> None:
        """Listen to what the engine's connections say."""
        event.listen(engine, "before_cursor_execute", _lock, retval=True)


def _lock(_: object, __: object, statement: str, parameters: object, *___: object) -> tuple[str, object]:
    return ("BEGIN IMMEDIATE" if statement == "BEGIN" else statement), parameters
