"""Polls probes until they answer."""

from collections.abc import Awaitable, Callable

import anyio

from novaflow.errors import NotReady
from novaflow.model.probe import Backoff, NotYet


async def wait_answer(
    probe: Callable[[], Awaitable[str]],
    *,
    name: str,
    within_s: float,
    backoff: Backoff,
    wait_sign: Callable[[], Awaitable[None]] = anyio.sleep_forever,
) -> str:
    """Call the probe until it returns an answer, and return it; the pauses grow.

    ``wait_sign`` returns when something shows that the probe may answer soon: that ends a pause, and the next ones are short again.

    Raises: NotReady, with the last reason, after ``within_s``.
    """
    reason, attempt = "no answer", 0
    with anyio.move_on_after(within_s):
        while True:
            try:
                return await probe()
            except NotYet as error:
                reason, attempt = str(error), attempt + 1
            with anyio.move_on_after(backoff.pause_before(attempt)):
                await wait_sign()
                attempt = 0
    raise NotReady(name, within_s, reason)
