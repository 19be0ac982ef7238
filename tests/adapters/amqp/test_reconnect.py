"""The reconnect loop: its pauses grow until the work makes progress, and can be ended."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from novaflow.adapters.amqp.connection import Connection
from novaflow.adapters.amqp.errors import BrokerError
from novaflow.adapters.amqp.reconnect import ReconnectLoop
from novaflow.model.probe import Backoff
from tests.support.brokers import Broker
from tests.support.programs import wait_until

MINUTES = Backoff(first_s=600, most_s=600)
REFUSED = "amqp://127.0.0.1:1"


def no_work(_connection: Connection) -> None:
    """Do nothing with a connection."""


@contextmanager
def running(loop: ReconnectLoop) -> Iterator[list[BrokerError]]:
    """Run the loop in a thread, and provide its errors; the thread has to end when it is stopped."""
    errors: list[BrokerError] = []
    thread = threading.Thread(target=loop.run, args=(no_work, errors.append))
    thread.start()
    yield errors
    loop.stop()
    thread.join(5)
    assert not thread.is_alive()


async def test_a_stop_ends_the_pause() -> None:
    """The supervisor does not wait for a broker that is down."""
    with running(ReconnectLoop(REFUSED, "test", MINUTES)) as errors:
        await wait_until(lambda: len(errors) == 1)


async def test_retry_now_ends_the_pause_after_a_transient_error() -> None:
    """A broker that refuses connections may be starting."""
    loop = ReconnectLoop(REFUSED, "test", MINUTES)
    with running(loop) as errors:
        await wait_until(lambda: len(errors) == 1)
        loop.retry_now()
        await wait_until(lambda: len(errors) == 2)


async def test_retry_now_does_not_end_the_pause_after_a_permanent_error() -> None:
    """An invalid URL stays invalid."""
    loop = ReconnectLoop("http://127.0.0.1", "test", MINUTES)
    with running(loop) as errors:
        await wait_until(lambda: len(errors) == 1)
        loop.retry_now()
    assert len(errors) == 1


class RecordingBackoff(Backoff):
    """A backoff without pauses that records which failure in a row each pause follows."""

    failures: tuple[int, ...] = ()

    def pause_before(self, attempt: int) -> float:
        """Record the failure."""
        type(self).failures += (attempt,)
        return 0.0


def test_the_backoff_grows_until_the_work_makes_progress(broker: Broker) -> None:
    """A successful login is no progress: the work may fail each time, for example for a missing queue."""
    loop = ReconnectLoop(broker.url, "test", RecordingBackoff())
    errors: list[BrokerError] = []

    def work(_connection: Connection) -> None:
        if len(errors) == 2:
            loop.reset_backoff()
        if len(errors) == 3:
            loop.stop()
        raise BrokerError("no queue")

    loop.run(work, errors.append)
    assert RecordingBackoff.failures == (1, 2, 1, 2)
