"""Reading the log of events: the thread behind a subscription."""

import threading
from collections import deque
from datetime import UTC, datetime, timedelta
from enum import Enum

import structlog

from novaflow.adapters.amqp.address import BrokerError
from novaflow.adapters.amqp.connection import Connection, Delivery
from novaflow.adapters.amqp.reconnecting import run_reconnecting
from novaflow.adapters.amqp.wakeup import Wakeup
from novaflow.events.record import DecodeError, EventRecord
from novaflow.model.probe import Backoff

log = structlog.get_logger(__name__)

_TICK_S = 1.0  # between two looks at the heartbeats
_PREFETCH = 500  # events that came and nobody took: 250 kB
_STOP_S = 1.0  # the thread hears the bell within a millisecond, unless it is connecting
_BACKOFF = Backoff(first_s=0.02, most_s=2.0, factor=1.6)
# A log finds a time by its own clock and in chunks; reading a little too much is harmless, since repeats are known.
_MARGIN = timedelta(seconds=10)


class Begin(Enum):
    """Where in the log to begin, if not at a time."""

    START = "first"  # RabbitMQ's words
    NEW = "next"


class Listener:
    """Hands over the events of a log in batches, over one connection after another, repeats included.

    It takes no more from the broker while two batches wait, so that a slow subscriber costs nobody any memory.
    """

    def __init__(self, url: str, queue: str, begin: Begin | datetime) -> None:
        self.arrived = Wakeup()
        self._batches: deque[list[EventRecord]] = deque()
        self._taken = Wakeup()
        self._url, self._queue = url, queue
        self._begin = begin
        self._stopping = False
        self._said: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="novaflow subscriber", daemon=True)

    def start(self) -> None:
        """Begin, whether or not there is a broker yet."""
        self._thread.start()

    def take(self) -> list[EventRecord]:
        """Return the next batch; an empty one if ``arrived`` has to ring first."""
        self.arrived.clear()
        if not self._batches:
            return []
        batch = self._batches.popleft()
        self._taken.set()
        return batch

    def stop(self) -> None:
        """End the thread."""
        self._stopping = True
        self._taken.set()
        self._thread.join(_STOP_S)
        if not self._thread.is_alive():
            self._taken.close()
            self.arrived.close()

    def _run(self) -> None:
        run_reconnecting(self._url, "subscriber", self._listen, rest=self._rest, is_over=lambda: self._stopping)

    def _listen(self, connection: Connection) -> None:
        deliveries: list[Delivery] = []
        offset = self._begin.value if isinstance(self._begin, Begin) else self._begin - _MARGIN
        connection.consume(self._queue, deliveries.append, prefetch=_PREFETCH, arguments={"x-stream-offset": offset})
        if self._begin is Begin.NEW:
            self._begin = datetime.now(UTC)  # what comes while the connection is lost is new as well
        while not self._stopping:
            self._taken.clear()
            if deliveries and len(self._batches) < 2:  # noqa: PLR2004 - one is worked on, one is ready
                deliveries[-1].accept_all()
                self._hand_over([delivery.body for delivery in deliveries])
                deliveries.clear()
            connection.listen(_TICK_S, self._taken.fileno())

    def _hand_over(self, bodies: list[bytes]) -> None:
        batch = [record for body in bodies if (record := _decode(body))]
        if batch:
            self._said.clear()
            self._begin = batch[-1].time
            self._batches.append(batch)
            self.arrived.set()

    def _rest(self, problem: BrokerError, attempt: int) -> None:
        if problem.reason not in self._said:
            self._said.add(problem.reason)
            log.warning("subscription.interrupted", reason=problem.reason, advice=problem.advice or "trying again")
        self._taken.wait(_BACKOFF.pause_before(attempt))


def _decode(body: bytes) -> EventRecord | None:
    try:
        return EventRecord.decode(body)
    except DecodeError as error:
        log.warning("message.skipped", reason=str(error))
        return None
