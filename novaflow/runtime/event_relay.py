"""Passes the events of a stack on to a function or to a web server."""

from collections.abc import Callable
from contextlib import aclosing

from novaflow.events.record import EventRecord
from novaflow.runtime.event_query import EventQuery
from novaflow.runtime.event_stream import stream_events
from novaflow.runtime.stack import Stack


async def write_events(stack: Stack, query: EventQuery, write: Callable[[EventRecord], None], warn: Callable[[str], None]) -> None:
    """Call ``write`` with each requested event; returns only if no future events are requested.

    Raises: UsageError, if the stack's `events.json` is invalid.
    """
    async with aclosing(stream_events(stack, query, warn)) as events:
        async for record in events:
            write(record)


async def post_events(stack: Stack, query: EventQuery, url: str, warn: Callable[[str], None]) -> None:
    """Post each requested event to ``url``, in order, and repeat each until the server has accepted or rejected it.

    Raises: UsageError, if the stack's `events.json` is invalid.
    """
    # Imported here: httpx takes 50 ms to import, a sixth of the time a command takes to start, and few users need it.
    from novaflow.adapters.http import HttpClient, Webhook  # noqa: PLC0415

    client = HttpClient()
    webhook = Webhook(url, client)
    try:
        async with aclosing(stream_events(stack, query, warn)) as events:
            async for record in events:
                await webhook.post(record)
    finally:
        await client.aclose()
