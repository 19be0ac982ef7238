"""Telling a stack's events to whoever asked: from its broker, and from its journal what no broker tells."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

import anyio
import click

from novaflow.adapters.amqp import Begin, amqp_find_log
from novaflow.adapters.journal import follow_journal, last_recorded, read_journal
from novaflow.cli.report import read_standing
from novaflow.cli.stack import Stack
from novaflow.errors import UsageError
from novaflow.events import subscribe
from novaflow.model.event import Recorded
from novaflow.model.order import Gap, Order
from novaflow.model.probe import NotYet
from novaflow.model.wanted import Wanted

Tell = Callable[[Recorded], Awaitable[object]]

_SILENCE_S = 1.0  # a log hands over what it holds within milliseconds


@dataclass(frozen=True, slots=True)
class Telling:
    """What is asked of a stack: which events, of the past, of the future, or of both."""

    stack: Stack
    wanted: Wanted
    past: bool
    future: bool

    async def tell(self, tell: Tell) -> None:
        """Tell every wanted event, in order."""
        after = 0 if self.past else self._last_sequence()
        try:
            url, exchange = self._broker()
            await amqp_find_log(url, exchange)
        except NotYet as why:
            click.echo(f"novaflow: this is the journal, not the broker: {why}", err=True)
        else:
            after = await self._tell_from_broker(url, exchange, tell, after)
        await self._tell_from_journal(tell, after)

    def _broker(self) -> tuple[str, str]:
        path = self.stack.paths.credentials / "events.json"
        try:
            known = json.loads(path.read_bytes())
            return known["url"], known["exchange"]
        except FileNotFoundError as error:
            raise NotYet(f"{path} does not exist") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f'{path}: expected {{"url": …, "exchange": …}}, found {type(error).__name__}: {error}') from error

    async def _tell_from_broker(self, url: str, exchange: str, tell: Tell, after: int) -> int:
        """Tell what the broker has, and return the last sequence number; it never returns if the future is wanted.

        A broker that is silent may be gone: what it does not tell, the journal does.
        """
        last = read_standing(self.stack.paths).published
        told = Order()
        async with subscribe(url, exchange=exchange, begin=self._begin(), on_gap=_print_gap) as events:
            while self.future or after < last:
                recorded = await self._next(events)
                if recorded is None and not self.future:
                    break  # a log that is younger than the journal; which has the rest
                for each in [recorded] if recorded else read_journal(self.stack.paths.journal, after=after):
                    if each.source == self.stack.source and told.is_new(each):
                        told.accept(each)
                        after = each.sequence
                        if self.wanted.admits(each):
                            await tell(each)
        return after

    async def _next(self, events: AsyncIterator[Recorded]) -> Recorded | None:
        with anyio.move_on_after(_SILENCE_S):
            return await anext(events)
        return None

    async def _tell_from_journal(self, tell: Tell, after: int) -> None:
        after = max(after, self.wanted.first - 1)
        for recorded in read_journal(self.stack.paths.journal, after=after, since=self.wanted.since):
            after = recorded.sequence
            if self.wanted.admits(recorded):
                await tell(recorded)
        if self.future:
            async with aclosing(follow_journal(self.stack.paths.journal, after=after)) as events:
                async for recorded in events:
                    if self.wanted.admits(recorded):
                        await tell(recorded)

    def _begin(self) -> Begin | datetime:
        if not self.past:
            return Begin.NEW
        if self.wanted.first:
            # A log is searched by time; the journal knows when that event was.
            first = next(iter(read_journal(self.stack.paths.journal, after=self.wanted.first - 1)), None)
            return first.time if first else Begin.NEW
        return self.wanted.since or Begin.START

    def _last_sequence(self) -> int:
        last = last_recorded(self.stack.paths.journal)
        return last.sequence if last else 0


def _print_gap(gap: Gap) -> None:
    click.echo(f"novaflow: {gap}", err=True)
