"""Asks services whether they are ready."""

import os
from collections.abc import Awaitable, Callable

import anyio
import psutil

from novaflow.errors import NotReady
from novaflow.model.probe import Backoff, NotYet


async def wait_answer(ask: Callable[[], Awaitable[str]], *, name: str, within_s: float, backoff: Backoff) -> str:
    """Ask again and again until there is an answer, and return it; the first moments often, then less.

    Raises: NotReady, with the last refusal, when the time is over.
    """
    refusal, attempt = "it was never answered", 0
    with anyio.move_on_after(within_s):
        while True:
            try:
                return await ask()
            except NotYet as error:
                refusal, attempt = str(error), attempt + 1
            await anyio.sleep(backoff.pause_before(attempt))
    raise NotReady(name, within_s, refusal)


def find_listener(port: int, host: str) -> psutil.Process | None:
    """Return who listens on the port where ``host`` would be served; ``None`` if nobody, or nobody we may see."""
    places = {host, "0.0.0.0", "::"}  # noqa: S104 - who listens on all addresses is in the way of each
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port and connection.laddr.ip in places:
            return psutil.Process(connection.pid) if connection.pid else None
    return None


def is_served_by(port: int, leader: int) -> bool:
    """Return whether the port is open in ``leader`` or in a process it started; last week's process must not pass."""
    tree = [psutil.Process(leader)]
    tree += tree[0].children(recursive=True)
    for process in tree:
        try:
            if any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in process.net_connections(kind="tcp")):
                return True
        except psutil.Error:
            if os.geteuid() != 0:  # a port may be served by a process that changed its user
                return True
    return False
