"""Polls probes until they answer."""

from collections.abc import Awaitable, Callable

import anyio

from novaflow.errors import NotReady
from novaflow.model.probe import Backoff, NotYet


async def wait_answer(probe: Callable[[], Awaitable[str]], *, name: str, within_s: float, backoff: Backoff) -> str:
    """Call the probe until it returns an answer, and return it; the pauses grow.

    Raises: NotReady, with the last reason, after ``within_s``.
    """
    reason, attempt = "no answer", 0
    with anyio.move_on_after(within_s):
        while True:
            try:
                return await probe()
            except NotYet as error:
                reason, attempt = str(error), attempt + 1
            await anyio.sleep(backoff.pause_before(attempt))
    raise NotReady(name, within_s, reason)
