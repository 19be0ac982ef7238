"""Telling a stack's events as its broker has them."""

from collections.abc import AsyncIterator
from datetime import datetime

import anyio
import click

from novaflow.adapters.amqp import Begin, amqp_find_log
from novaflow.adapters.journal import read_journal
from novaflow.adapters.standing import read_standing
from novaflow.cli.report import cursor_of
from novaflow.cli.telling import Tell, Telling
from novaflow.events import subscribe
from novaflow.model.event import Recorded
from novaflow.model.order import Gap, Order

_SILENCE_S = 1.0  # a log hands over what it holds within milliseconds


async def tell_from_broker(asked: Telling, url: str, exchange: str, tell: Tell, after: int) -> int:
    """Tell what the broker has, and return the last sequence number; it never returns if the future is wanted.

    A broker that is silent may be gone: what it does not tell, the journal does.

    Raises: NotYet, with the reason, if there is no broker, or it has no log.
    """
    await amqp_find_log(url, exchange)
    paths = asked.stack.paths
    last = read_standing(paths.journal, cursor_of(paths)).published
    told = Order()
    async with subscribe(url, exchange=exchange, begin=_begin(asked), on_gap=_print_gap) as events:
        while asked.future or after < last:
            recorded = await _next(events)
            if recorded is None and not asked.future:
                break  # a log that is younger than the journal; which has the rest
            for each in [recorded] if recorded else read_journal(paths.journal, after=after):
                if each.source == asked.stack.source and told.is_new(each):
                    told.accept(each)
                    after = each.sequence
                    if asked.wanted.admits(each):
                        await tell(each)
    return after


async def _next(events: AsyncIterator[Recorded]) -> Recorded | None:
    with anyio.move_on_after(_SILENCE_S):
        return await anext(events)
    return None


def _begin(asked: Telling) -> Begin | datetime:
    if not asked.past:
        return Begin.NEW
    if asked.wanted.first:
        # A log is searched by time; the journal knows when that event was.
        first = next(iter(read_journal(asked.stack.paths.journal, after=asked.wanted.first - 1)), None)
        return first.time if first else Begin.NEW
    return asked.wanted.since or Begin.START


def _print_gap(gap: Gap) -> None:
    click.echo(f"novaflow: {gap}", err=True)
