"""Telling a stack's events as its broker has them."""

from collections.abc import AsyncIterator
from datetime import datetime

import anyio
import click

from novaflow.adapters.amqp import Begin, amqp_find_log
from novaflow.adapters.storage.journal import read_journal
from novaflow.adapters.storage.publish_status import read_publish_status
from novaflow.events.record import EventRecord
from novaflow.events.sequence import Gap, SequenceTracker
from novaflow.events.subscribe import subscribe
from novaflow.runtime.event_stream import EventQuery, Handle
from novaflow.runtime.status_report import cursor_of

_SILENCE_S = 1.0  # a log hands over what it holds within milliseconds


async def read_from_broker(arguments: EventQuery, url: str, exchange: str, publish: Handle, after: int) -> int:
    """Tell what the broker has, and return the last sequence number; it never returns if the future is wanted.

    A broker that is silent may be gone: what it does not tell, the journal does.

    Raises: NotYet, with the reason, if there is no broker, or it has no log.
    """
    await amqp_find_log(url, exchange)
    paths = arguments.stack.paths
    last = read_publish_status(paths.journal, cursor_of(paths)).published
    told = SequenceTracker()
    async with subscribe(url, exchange=exchange, begin=_begin(arguments), on_gap=_print_gap) as events:
        while arguments.future or after < last:
            record = await _next(events)
            if record is None and not arguments.future:
                break  # a log that is younger than the journal; which has the rest
            for each in [record] if record else read_journal(paths.journal, after=after):
                if each.source == arguments.stack.source and told.is_new(each):
                    told.accept(each)
                    after = each.sequence
                    if arguments.wanted.admits(each):
                        await publish(each)
    return after


async def _next(events: AsyncIterator[EventRecord]) -> EventRecord | None:
    with anyio.move_on_after(_SILENCE_S):
        return await anext(events)
    return None


def _begin(arguments: EventQuery) -> Begin | datetime:
    if not arguments.past:
        return Begin.NEW
    if arguments.wanted.first:
        # A log is searched by time; the journal knows when that event was.
        first = next(iter(read_journal(arguments.stack.paths.journal, after=arguments.wanted.first - 1)), None)
        return first.time if first else Begin.NEW
    return arguments.wanted.since or Begin.START


def _print_gap(gap: Gap) -> None:
    click.echo(f"novaflow: {gap}", err=True)
