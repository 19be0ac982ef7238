"""The publisher of events: it follows the journal, so a broker never delays the engine."""

import threading
import time
from pathlib import Path

import anyio

from novaflow.adapters.amqp.publisher_thread import PublisherThread, describe_unreadable
from novaflow.adapters.amqp.topology import StreamQueue
from novaflow.adapters.storage import BrokerState, PublishStatus, last_record, publish_status_of
from novaflow.errors import MachineError
from novaflow.events.exchange import EXCHANGE

_POLL_S = 0.02  # while draining; each poll may try to connect, and a refused connection costs 0.3 ms
_ABORT_S = 1.0  # for the thread to end after its connection was broken


class Publisher:
    """Publishes the events of a journal after the position in the cursor file, in a thread.

    With an empty URL nothing is published, and the events stay in the journal.
    The thread is not one of anyio's, because it runs as long as the publisher: kombu is neither asynchronous nor thread-safe.
    """

    def __init__(self, journal: Path, cursor: Path, url: str, *, exchange: str = EXCHANGE) -> None:
        self._journal, self._url = journal, url
        self._worker = PublisherThread(journal, cursor, url, exchange, StreamQueue(exchange))
        self._thread = threading.Thread(target=self._worker.run, name="novaflow publisher", daemon=True)

    def start(self) -> None:
        """Start the thread; it waits for the broker."""
        if self._url:
            self._thread.start()

    def wake(self) -> None:
        """Announce that the journal has new events; costs a microsecond."""
        self._worker.wakeup.set()

    def stop(self, within_s: float) -> None:
        """End the thread: it sends no more events, and waits up to ``within_s`` for confirms."""
        self._worker.stop(time.monotonic() + within_s)
        if self._thread.is_alive():
            self._thread.join(within_s)
        if self._thread.is_alive():
            self._worker.abort()
            self._thread.join(_ABORT_S)
        if not self._thread.is_alive():
            self._worker.wakeup.close()

    async def drain(self, within_s: float) -> bool:
        """Wait until the broker has confirmed every event that is in the journal now; return whether it has."""
        last = await anyio.to_thread.run_sync(last_record, self._journal)
        goal = last.sequence if last else 0
        if not self._url:
            return False
        self.wake()
        with anyio.move_on_after(within_s):
            while self._worker.confirmed < goal:
                self._worker.retry_now()
                await anyio.sleep(_POLL_S)
        return self._worker.confirmed >= goal

    @property
    def publish_status(self) -> PublishStatus:
        """Return how many events are published and how many wait, and the state of the broker."""
        reason = self._worker.reason if self._url else "no broker is configured"
        try:
            return publish_status_of(self._journal, self._worker.confirmed, self._worker.broker, reason)
        except (OSError, MachineError) as error:
            return PublishStatus(self._worker.confirmed, 0, BrokerState.DOWN, describe_unreadable(error))
