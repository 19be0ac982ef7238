"""Reading the stream queue of events: the thread behind a subscription."""

import threading
from collections import deque
from datetime import UTC, datetime, timedelta
from enum import Enum

import structlog

from novaflow.adapters.amqp.connection import Connection, Delivery
from novaflow.adapters.amqp.errors import BrokerError
from novaflow.adapters.amqp.reconnect import ReconnectLoop
from novaflow.adapters.amqp.retry_log import RetryLog
from novaflow.adapters.amqp.wakeup import Wakeup
from novaflow.events.record import DecodeError, EventRecord
from novaflow.model.probe import Backoff

log = structlog.get_logger(__name__)

_HEARTBEAT_CHECK_S = 1.0  # kombu's documentation: around once a second
_PREFETCH_COUNT = 500  # unacknowledged events: 250 kB
_BATCHES = 2  # one that the subscriber works on, and the next
_STOP_S = 1.0  # the thread stops within a millisecond, unless it is connecting
_BACKOFF = Backoff(first_s=0.02, most_s=2.0, factor=1.6)
# A stream queue finds a time by the broker's clock, and in chunks. Events from before it are repeats, and dropped.
_MARGIN = timedelta(seconds=10)


class Begin(Enum):
    """Where in the stream queue a subscription begins; the values are RabbitMQ's stream offsets."""

    START = "first"
    NEW = "next"


class SubscriberThread:
    """Reads a stream queue in batches, over one connection after another; batches may repeat events.

    It takes no more from the broker while two batches wait, so a slow subscriber needs no memory, here or on the broker.
    """

    def __init__(self, url: str, queue: str, begin: Begin | datetime) -> None:
        self.batch_ready = Wakeup()
        self._batch_taken = Wakeup()
        self._batches: deque[list[EventRecord]] = deque()
        self._queue, self._begin = queue, begin
        self._loop = ReconnectLoop(url, "subscriber", _BACKOFF)
        self._retry_log = RetryLog(log)
        self._thread = threading.Thread(target=self._run, name="novaflow subscriber", daemon=True)

    def start(self) -> None:
        """Start the thread; it waits for the broker and for the queue."""
        self._thread.start()

    def next_batch(self) -> list[EventRecord]:
        """Return the next batch; an empty one until ``batch_ready`` is set."""
        self.batch_ready.clear()
        if not self._batches:
            return []
        batch = self._batches.popleft()
        self._batch_taken.set()
        return batch

    def stop(self) -> None:
        """End the thread."""
        self._loop.stop()
        self._batch_taken.set()
        self._thread.join(_STOP_S)
        if not self._thread.is_alive():
            self._batch_taken.close()
            self.batch_ready.close()

    def _run(self) -> None:
        self._loop.run(self._consume, self._report)

    def _consume(self, connection: Connection) -> None:
        deliveries: list[Delivery] = []
        offset = self._begin.value if isinstance(self._begin, Begin) else self._begin - _MARGIN
        connection.consume((self._queue,), deliveries.append, prefetch_count=_PREFETCH_COUNT, arguments={"x-stream-offset": offset})
        if self._begin is Begin.NEW:
            self._begin = datetime.now(UTC)  # events that arrive while the connection is lost are new as well
        while not self._loop.is_stopping:
            self._batch_taken.clear()
            if deliveries and len(self._batches) < _BATCHES:
                deliveries[-1].ack_multiple()
                self._add_batch([delivery.body for delivery in deliveries])
                deliveries.clear()
            connection.drain_events(_HEARTBEAT_CHECK_S, self._batch_taken.fileno())

    def _add_batch(self, bodies: list[bytes]) -> None:
        batch = [record for body in bodies if (record := _decode(body))]
        if batch:
            self._loop.reset_backoff()
            self._retry_log.reset()
            self._begin = batch[-1].time
            self._batches.append(batch)
            self.batch_ready.set()

    def _report(self, error: BrokerError) -> None:
        self._retry_log.report("subscription.interrupted", error.reason, error.advice or "reconnecting")


def _decode(body: bytes) -> EventRecord | None:
    try:
        return EventRecord.decode(body)
    except DecodeError as error:
        log.warning("message.skipped", reason=str(error))
        return None
