"""Reads the events of a stack: from its broker and, where the broker does not deliver them, from its journal."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from novaflow.adapters.storage import follow_journal, last_record, read_journal
from novaflow.events.record import EventRecord
from novaflow.model.probe import NotYet
from novaflow.runtime.event_query import EventQuery
from novaflow.runtime.events_address import read_events_address
from novaflow.runtime.stack import Stack


async def stream_events(stack: Stack, query: EventQuery, warn: Callable[[str], None]) -> AsyncGenerator[EventRecord, None]:
    """Yield the requested events in order, each once; ``warn`` receives the reason if the broker cannot be used.

    Raises: UsageError, if the stack's `events.json` is invalid.
    """
    after = 0 if query.past else _last_sequence(stack)
    try:
        address = read_events_address(stack)
        # Imported here: kombu takes 80 ms to import, and the journal is read without it.
        from novaflow.runtime.event_stream_broker import stream_from_broker  # noqa: PLC0415

        async with aclosing(stream_from_broker(stack, query, address, after, warn)) as events:
            async for record in events:
                after = record.sequence
                if query.filter.admits(record):
                    yield record
    except NotYet as reason:
        warn(f"broker unreachable; showing the local journal: {reason}")
    async with aclosing(_stream_from_journal(stack, query, after)) as events:
        async for record in events:
            if query.filter.admits(record):
                yield record


def _last_sequence(stack: Stack) -> int:
    last = last_record(stack.paths.journal)
    return last.sequence if last else 0


async def _stream_from_journal(stack: Stack, query: EventQuery, after: int) -> AsyncGenerator[EventRecord, None]:
    after = max(after, query.filter.first - 1)
    for record in read_journal(stack.paths.journal, after=after, since=query.filter.since):
        after = record.sequence
        yield record
    if query.future:
        async with aclosing(follow_journal(stack.paths.journal, after=after)) as events:
            async for record in events:
                yield record
