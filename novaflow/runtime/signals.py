"""Signals that end a command."""

import signal
from collections.abc import Callable

import anyio

TERMINATING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def call_on_signals(act: Callable[[signal.Signals], object], *numbers: signal.Signals) -> None:
    """Call ``act`` with each of these signals that arrives, until cancelled."""
    with anyio.open_signal_receiver(*numbers) as signals:
        async for number in signals:
            act(number)
