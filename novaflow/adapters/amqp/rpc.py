"""Asking a broker something once: whether one can log in, and what a service behind it answers."""

import time
from collections.abc import Callable

import anyio

from novaflow.adapters.amqp.address import BrokerError
from novaflow.adapters.amqp.connection import Connection, Delivery
from novaflow.events.exchange import log_queue
from novaflow.model.probe import NotYet

_JSON = {"content_type": "application/json", "content_encoding": "utf-8"}


async def amqp_login(url: str) -> str:
    """Log in, and return what answered.

    Raises: NotYet, with the reason, if that is not possible.
    """
    return await anyio.to_thread.run_sync(_ask_once, url, _greet, abandon_on_cancel=True)


async def amqp_find_log(url: str, exchange: str) -> str:
    """Look for the log of an exchange, and return what answered.

    Raises: NotYet, with the reason, if there is none, or no broker.
    """

    def find() -> str:
        return _ask_once(url, lambda connection: _find_queue(connection, log_queue(exchange)))

    return await anyio.to_thread.run_sync(find, abandon_on_cancel=True)


async def amqp_request(url: str, exchange: str, routing_key: str, body: Callable[[str], bytes], *, within_s: float) -> bytes:
    """Send a JSON message that ``body`` builds from the name of a reply queue, and return the first reply.

    Raises: NotYet, if nobody takes it, nobody answers in time, or the broker cannot be used.
    """

    def ask() -> bytes:
        return _request(url, exchange, routing_key, body, within_s)

    return await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)


def _ask_once(url: str, ask: Callable[[Connection], str]) -> str:
    try:
        connection = Connection.open(url, name="probe")
        try:
            return ask(connection)
        finally:
            connection.close()
    except BrokerError as problem:
        raise NotYet(str(problem)) from problem


def _greet(connection: Connection) -> str:
    return f"{connection.address.user} logged in to {connection.greeting} at {connection.address.where}"


def _find_queue(connection: Connection, queue: str) -> str:
    with connection.trial() as channel:
        channel.queue_declare(queue, passive=True)
    return f"{queue} is there"


def _request(url: str, exchange: str, routing_key: str, body: Callable[[str], bytes], within_s: float) -> bytes:
    deadline = time.monotonic() + within_s
    replies: list[Delivery] = []
    try:
        connection = Connection.open(url, name="request")
        try:
            queue = connection.reply_queue(replies.append)
            connection.on_return(f"nobody listens for {routing_key} on {exchange or 'the default exchange'}")
            connection.publish(body(queue), exchange=exchange, routing_key=routing_key, mandatory=True, **_JSON)
            while not replies and (left_s := deadline - time.monotonic()) > 0:
                connection.listen(left_s)
        finally:
            connection.close()
    except BrokerError as problem:
        raise NotYet(str(problem)) from problem
    if not replies:
        raise NotYet(f"{routing_key} gave no answer within {within_s:g} s")
    return replies[0].body
