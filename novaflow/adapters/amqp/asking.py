"""Asking a broker something once: whether one can log in, and what a service behind it answers."""

import time
from collections.abc import Callable

import anyio

from novaflow.adapters.amqp.address import BrokerProblem
from novaflow.adapters.amqp.link import Arrival, Link
from novaflow.model.probe import NotYet

_JSON = {"content_type": "application/json", "content_encoding": "utf-8"}


async def amqp_login(url: str) -> str:
    """Log in, and return what answered.

    Raises: NotYet, with the reason, if that is not possible.
    """
    return await anyio.to_thread.run_sync(_login, url, abandon_on_cancel=True)


async def amqp_request(url: str, exchange: str, routing_key: str, body: Callable[[str], bytes], *, within_s: float) -> bytes:
    """Send a JSON message that ``body`` builds from the name of a reply queue, and return the first reply.

    Raises: NotYet, if nobody takes it, nobody answers in time, or the broker cannot be used.
    """

    def ask() -> bytes:
        return _request(url, exchange, routing_key, body, within_s)

    return await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)


def _login(url: str) -> str:
    try:
        link = Link.open(url, name="probe")
    except BrokerProblem as problem:
        raise NotYet(str(problem)) from problem
    link.close()
    return f"{link.address.user} logged in to {link.greeting} at {link.address.where}"


def _request(url: str, exchange: str, routing_key: str, body: Callable[[str], bytes], within_s: float) -> bytes:
    deadline = time.monotonic() + within_s
    replies: list[Arrival] = []
    try:
        link = Link.open(url, name="request")
        try:
            queue = link.reply_queue(replies.append)
            link.on_return(f"nobody listens for {routing_key} on {exchange or 'the default exchange'}")
            link.publish(body(queue), exchange=exchange, routing_key=routing_key, mandatory=True, **_JSON)
            while not replies and (left_s := deadline - time.monotonic()) > 0:
                link.listen(left_s)
        finally:
            link.close()
    except BrokerProblem as problem:
        raise NotYet(str(problem)) from problem
    if not replies:
        raise NotYet(f"{routing_key} gave no answer within {within_s:g} s")
    return replies[0].body
