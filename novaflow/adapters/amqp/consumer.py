"""Taking messages out of somebody else's queues, none of them lost and none of them twice."""

from collections.abc import Callable
from hashlib import blake2b

import anyio
import structlog

from novaflow.adapters.amqp.address import BrokerError, ErrorKind
from novaflow.adapters.amqp.connection import Connection, Delivery
from novaflow.adapters.amqp.reconnecting import run_reconnecting
from novaflow.adapters.amqp.wakeup import Wakeup
from novaflow.model.probe import Backoff

log = structlog.get_logger(__name__)

_TICK_S = 1.0  # between two looks at the heartbeats
_PREFETCH = 100  # messages at most that came and are not acknowledged
# A broker that is killed forgets acknowledgements: RabbitMQ 3.10 sent 675 messages once more that it had been told to drop.
_REMEMBERED = 5000
_BACKOFF = Backoff(first_s=0.1, most_s=2.0, factor=1.6)

Take = Callable[[bytes], None]


async def amqp_consume(url: str, queues: tuple[str, ...], take: Take) -> None:
    """Hand the messages of the queues to ``take``, until cancelled, over one connection after another.

    A message is acknowledged once ``take`` has returned; one that the broker repeats, since it did not hear that or
    forgot it, is not handed over again. ``take`` runs on the event loop.
    """
    consumer = _Consumer(url, queues, lambda body: anyio.from_thread.run_sync(take, body))

    async def leave_when_cancelled() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            consumer.leave()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(leave_when_cancelled)
        # Cancelled, this waits for the thread to end: within a few milliseconds, or what Connection allows the broker to answer.
        await anyio.to_thread.run_sync(consumer.run)


class _Consumer:
    """All that happens in the thread that owns the connection."""

    def __init__(self, url: str, queues: tuple[str, ...], take: Take) -> None:
        self._url, self._queues, self._take = url, queues, take
        self._wakeup = Wakeup()
        self._leaving = False
        self._said: set[str] = set()
        self._taken: dict[bytes, None] = {}  # digests of the last messages, in order

    def run(self) -> None:
        """Work until asked to leave."""
        run_reconnecting(self._url, "feed", self._consume, rest=self._rest, is_over=lambda: self._leaving)
        self._wakeup.close()

    def leave(self) -> None:
        """End the work; may be called by another thread."""
        self._leaving = True
        self._wakeup.set()

    def _consume(self, connection: Connection) -> None:
        deliveries: list[Delivery] = []
        for queue in self._queues:
            connection.consume(queue, deliveries.append, prefetch=_PREFETCH // len(self._queues), arguments={})
        while not self._leaving:
            connection.listen(_TICK_S, self._wakeup.fileno())
            for delivery in deliveries:
                self._hand_over(delivery.body)
            if deliveries:
                deliveries[-1].accept_all()
                deliveries.clear()
                self._said.clear()

    def _hand_over(self, body: bytes) -> None:
        digest = blake2b(body, digest_size=16).digest()
        if digest in self._taken:
            return
        self._take(body)
        self._taken[digest] = None
        if len(self._taken) > _REMEMBERED:
            del self._taken[next(iter(self._taken))]

    def _rest(self, problem: BrokerError, attempt: int) -> None:
        self._note(problem)
        self._wakeup.wait(_BACKOFF.pause_before(attempt))

    def _note(self, problem: BrokerError) -> None:
        """Say what is the matter, once until a message comes again; a broker that starts or goes is no warning."""
        if problem.reason in self._said:
            return
        self._said.add(problem.reason)
        if problem.kind is ErrorKind.PASSING:
            log.info("feed.interrupted", reason=problem.reason)
        else:
            log.warning("feed.interrupted", reason=problem.reason, advice=problem.advice or "trying again")
