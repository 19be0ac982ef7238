"""Reads the events of a stack from its broker."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import datetime

import anyio

from novaflow.adapters.amqp import Begin, amqp_find_log
from novaflow.adapters.storage import read_journal, read_publish_status
from novaflow.events.record import EventRecord
from novaflow.events.sequence import SequenceTracker
from novaflow.events.subscribe import subscribe
from novaflow.runtime.event_query import EventQuery
from novaflow.runtime.events_address import EventsAddress
from novaflow.runtime.stack import Stack

_SILENCE_S = 1.0  # a stream queue delivers what it holds within milliseconds


async def stream_from_broker(
    stack: Stack, query: EventQuery, address: EventsAddress, after: int, warn: Callable[[str], None]
) -> AsyncGenerator[EventRecord, None]:
    """Yield the stack's events after the sequence number ``after``, in order and each once, before they are filtered.

    It ends with the last published event, or never if future events are requested. While the broker is silent, which may
    mean that it is down, future events are read from the journal.

    Raises: NotYet, with the reason, if the broker cannot be reached or has no stream of the stack's events.
    """
    url, exchange = address
    await amqp_find_log(url, exchange)
    published = read_publish_status(stack.paths.journal, stack.publish_cursor).published
    tracker = SequenceTracker()
    async with subscribe(url, exchange=exchange, begin=_begin(stack, query), on_gap=lambda gap: warn(str(gap))) as events:
        while query.future or after < published:
            received = await _receive(events)
            if received is None and not query.future:
                return  # the stream is younger than the journal, which has the rest
            for record in (received,) if received else read_journal(stack.paths.journal, after=after):
                if record.source == stack.source and tracker.is_new(record):
                    tracker.accept(record)
                    after = record.sequence
                    yield record


async def _receive(events: AsyncIterator[EventRecord]) -> EventRecord | None:
    with anyio.move_on_after(_SILENCE_S):
        return await anext(events)
    return None


def _begin(stack: Stack, query: EventQuery) -> Begin | datetime:
    if not query.past:
        return Begin.NEW
    if query.filter.first:
        # A stream is searched by time; the journal knows the time of that event.
        first = next(iter(read_journal(stack.paths.journal, after=query.filter.first - 1)), None)
        return first.time if first else Begin.NEW
    return query.filter.since or Begin.START
