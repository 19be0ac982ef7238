"""Consuming the queues of other programs: no message is lost, none is handled twice."""

from collections.abc import Callable
from hashlib import blake2b

import anyio
import structlog

from novaflow.adapters.amqp.connection import Connection, Delivery
from novaflow.adapters.amqp.errors import BrokerError, ErrorKind
from novaflow.adapters.amqp.reconnect import ReconnectLoop
from novaflow.adapters.amqp.retry_log import RetryLog
from novaflow.adapters.amqp.wakeup import Wakeup
from novaflow.model.probe import Backoff

log = structlog.get_logger(__name__)

_HEARTBEAT_CHECK_S = 1.0  # kombu's documentation: around once a second
_PREFETCH_COUNT = 100  # unacknowledged messages of all queues
# RabbitMQ loses acknowledgements when it is killed: 3.10 delivered 675 acknowledged messages again.
_REMEMBERED = 5000
_BACKOFF = Backoff(first_s=0.1, most_s=2.0, factor=1.6)

MessageHandler = Callable[[bytes], None]


async def amqp_consume(url: str, queues: tuple[str, ...], handler: MessageHandler) -> None:
    """Pass the body of each message of the queues to ``handler``, on the event loop, until cancelled.

    A message is acknowledged after ``handler`` has returned. One that the broker delivers again, because the
    acknowledgement was lost, is not passed again. A lost connection is opened again, a missing queue waited for.
    """
    consumer = _Consumer(url, queues, lambda body: anyio.from_thread.run_sync(handler, body))

    async def stop_when_cancelled() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            consumer.stop()

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop_when_cancelled)
            # When cancelled, this waits for the thread: milliseconds, or as long as the broker may take for a reply.
            await anyio.to_thread.run_sync(consumer.run)
    finally:
        consumer.close()  # not by the thread, which may end before ``stop`` has


class _Consumer:
    """The part that runs in the thread that owns the connection."""

    def __init__(self, url: str, queues: tuple[str, ...], handler: MessageHandler) -> None:
        self._queues, self._handler = queues, handler
        self._loop = ReconnectLoop(url, "consumer", _BACKOFF)
        self._wakeup = Wakeup()
        self._retry_log = RetryLog(log)
        self._handled: dict[bytes, None] = {}  # digests of the last messages, oldest first

    def run(self) -> None:
        """Consume until ``stop``."""
        self._loop.run(self._consume, self._report)

    def stop(self) -> None:
        """End ``run``; for other threads."""
        self._loop.stop()
        self._wakeup.set()

    def close(self) -> None:
        """Release the file descriptor, after ``run`` and ``stop``."""
        self._wakeup.close()

    def _consume(self, connection: Connection) -> None:
        deliveries: list[Delivery] = []
        connection.consume(self._queues, deliveries.append, prefetch_count=_PREFETCH_COUNT // len(self._queues))
        while not self._loop.is_stopping:
            connection.drain_events(_HEARTBEAT_CHECK_S, self._wakeup.fileno())
            for delivery in deliveries:
                self._handle(delivery.body)
            if deliveries:
                deliveries[-1].ack_multiple()
                deliveries.clear()
                self._loop.reset_backoff()
                self._retry_log.reset()

    def _handle(self, body: bytes) -> None:
        digest = blake2b(body, digest_size=16).digest()
        if digest in self._handled:
            return
        self._handler(body)
        self._handled[digest] = None
        if len(self._handled) > _REMEMBERED:
            del self._handled[next(iter(self._handled))]

    def _report(self, error: BrokerError) -> None:
        # A broker that starts or stops is not worth a warning.
        advice = "" if error.kind is ErrorKind.TRANSIENT else error.advice or "reconnecting"
        self._retry_log.report("consumer.interrupted", error.reason, advice)
