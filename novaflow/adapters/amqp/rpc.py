"""Single requests to a broker, or to a service behind it."""

import time
from collections.abc import Callable
from typing import TypeVar

import anyio

from novaflow.adapters.amqp.connection import Connection, Delivery
from novaflow.adapters.amqp.errors import BrokerError
from novaflow.events.exchange import log_queue
from novaflow.model.probe import NotYet

T = TypeVar("T")


async def amqp_login(url: str) -> str:
    """Log in, and return the user, the broker's version and its address as a sentence.

    Raises: NotYet, with the reason, if the login fails.
    """
    return await _call(url, _describe_login)


async def amqp_find_log(url: str, exchange: str) -> str:
    """Check that the stream queue of an exchange exists, and return that as a sentence.

    Raises: NotYet, with the reason, if it does not exist or the broker cannot be used.
    """
    queue = log_queue(exchange)

    def find(connection: Connection) -> str:
        connection.declare_queue(queue, passive=True)
        return f"queue {queue} exists"

    return await _call(url, find)


async def amqp_request(url: str, exchange: str, routing_key: str, body: Callable[[str], bytes], *, within_s: float) -> bytes:
    """Send a JSON message, which ``body`` returns for the name of a reply queue, and return the first reply.

    Raises: NotYet, if no queue takes the message, no reply arrives in time, or the broker cannot be used.
    """

    def request(connection: Connection) -> bytes:
        deadline = time.monotonic() + within_s
        replies: list[Delivery] = []
        reply_queue = connection.consume_replies(replies.append)
        unrouted = f"no queue receives {routing_key} from {exchange or 'the default exchange'}"
        connection.publish(body(reply_queue), exchange=exchange, routing_key=routing_key, unrouted=unrouted)
        while not replies and (left_s := deadline - time.monotonic()) > 0:
            connection.drain_events(left_s)
        if not replies:
            raise NotYet(f"{routing_key} sent no reply within {within_s:g} s")
        return replies[0].body

    return await _call(url, request)


async def _call(url: str, request: Callable[[Connection], T]) -> T:
    return await anyio.to_thread.run_sync(_call_in_thread, url, request, abandon_on_cancel=True)


def _call_in_thread(url: str, request: Callable[[Connection], T]) -> T:
    try:
        connection = Connection.open(url, name="request")
        try:
            return request(connection)
        finally:
            connection.close()
    except BrokerError as error:
        raise NotYet(str(error)) from error


def _describe_login(connection: Connection) -> str:
    return f"{connection.address.user} logged in to {connection.server} at {connection.address.endpoint}"
