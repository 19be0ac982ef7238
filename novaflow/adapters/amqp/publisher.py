"""The publisher of events: a cursor over the journal, and no broker can hold up the engine through it."""

import threading
import time
from pathlib import Path

import anyio

from novaflow.adapters.amqp.publisher_thread import PublisherThread
from novaflow.adapters.amqp.topology import EventLog
from novaflow.adapters.storage.journal import last_record
from novaflow.adapters.storage.publish_status import PublishStatus, publish_status_of
from novaflow.events.exchange import EXCHANGE

_LOOK_S = 0.02  # between two looks whether all is confirmed: a refused connection costs 0.3 ms
_GIVE_UP_S = 1.0  # for a thread whose connection was broken to notice


class Publisher:
    """Publishes a journal from the position in the cursor file on, in a thread of its own.

    Without a URL nothing is published, and events stay in the journal.
    The thread is the one that house rules allow: kombu is neither asynchronous nor thread-safe.
    """

    def __init__(self, journal: Path, cursor: Path, url: str, *, exchange: str = EXCHANGE) -> None:
        self._journal, self._url = journal, url
        self._worker = PublisherThread(journal, cursor, url, exchange, EventLog(exchange))
        self._thread = threading.Thread(target=self._worker.run, name="novaflow publisher", daemon=True)

    def start(self) -> None:
        """Begin, whether or not there is a broker yet."""
        if self._url:
            self._thread.start()

    def wake(self) -> None:
        """Say that the journal has more; costs a microsecond."""
        self._worker.wakeup.set()

    def stop(self, within_s: float) -> None:
        """End the thread: it sends nothing more, and waits for confirms no longer than asked."""
        self._worker.leave(time.monotonic() + within_s)
        if self._thread.is_alive():
            self._thread.join(within_s)
        if self._thread.is_alive():
            self._worker.abort()
            self._thread.join(_GIVE_UP_S)
        if not self._thread.is_alive():
            self._worker.wakeup.close()

    async def drain(self, within_s: float) -> bool:
        """Wait until everything that is in the journal now is confirmed; return whether it is."""
        last = await anyio.to_thread.run_sync(last_record, self._journal)
        wanted = last.sequence if last else 0
        if not self._url:
            return False
        self.wake()
        with anyio.move_on_after(within_s):
            while self._worker.confirmed < wanted:
                self._worker.hurry()
                await anyio.sleep(_LOOK_S)
        return self._worker.confirmed >= wanted

    @property
    def publish_status(self) -> PublishStatus:
        """Return how far publishing is, as of now."""
        reason = self._worker.reason if self._url else "no broker is named"
        return publish_status_of(self._journal, self._worker.confirmed, self._worker.broker, reason)
