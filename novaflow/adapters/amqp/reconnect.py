"""Work that continues over one connection after another."""

import threading
from collections.abc import Callable

from novaflow.adapters.amqp.connection import Connection
from novaflow.adapters.amqp.errors import BrokerError, ErrorKind
from novaflow.model.probe import Backoff


class ReconnectLoop:
    """Runs work over a connection, and after each failure reconnects with backoff, until stopped.

    Only ``run`` and ``reset_backoff`` belong to the thread that owns the connections.
    """

    def __init__(self, url: str, name: str, backoff: Backoff) -> None:
        self._url, self._name, self._backoff = url, name, backoff
        self._failures = 0
        self._last_kind = ErrorKind.TRANSIENT
        self._connection: Connection | None = None
        self._end_pause = threading.Event()
        self.is_stopping = False

    def run(self, work: Callable[[Connection], None], on_error: Callable[[BrokerError], None]) -> None:
        """Call ``work`` with a new connection again and again; errors go to ``on_error``."""
        while not self.is_stopping:
            try:
                self._connection = Connection.open(self._url, name=self._name)
                try:
                    work(self._connection)
                finally:
                    self._connection.close()
            except BrokerError as error:
                self._failures += 1
                self._last_kind = error.kind
                on_error(error)
                self._end_pause.wait(self._backoff.pause_before(self._failures))
                self._end_pause.clear()

    def reset_backoff(self) -> None:
        """Let the next pause be the shortest one: the work has made progress."""
        self._failures = 0

    def retry_now(self) -> None:
        """End the current pause, if it follows a transient error."""
        if self._last_kind is ErrorKind.TRANSIENT:
            self._end_pause.set()

    def stop(self) -> None:
        """End the loop; the work has to return by itself."""
        self.is_stopping = True
        self._end_pause.set()

    def abort(self) -> None:
        """Break the connection in use, so that work which waits for it fails."""
        if self._connection is not None:
            self._connection.abort()
