"""Telling a stack's events to whoever asked: from its broker, and from its journal what no broker tells."""

import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import click

from novaflow.adapters.journal import follow_journal, last_recorded, read_journal
from novaflow.cli.stack import Stack
from novaflow.errors import UsageError
from novaflow.model.event import Recorded
from novaflow.model.probe import NotYet
from novaflow.model.wanted import Wanted

Tell = Callable[[Recorded], Awaitable[object]]


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
            after = await self._tell_from_broker(tell, after)
        except NotYet as why:
            click.echo(f"novaflow: this is the journal, not the broker: {why}", err=True)
        await self._tell_from_journal(tell, after)

    async def _tell_from_broker(self, tell: Tell, after: int) -> int:
        url, exchange = self._broker()
        # Here, since kombu takes 80 ms to import, and a journal is read without it.
        from novaflow.cli.subscribing import tell_from_broker  # noqa: PLC0415

        return await tell_from_broker(self, url, exchange, tell, after)

    def _broker(self) -> tuple[str, str]:
        path = self.stack.paths.credentials / "events.json"
        try:
            known = json.loads(path.read_bytes())
            return known["url"], known["exchange"]
        except FileNotFoundError as error:
            raise NotYet(f"{path} does not exist") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f'{path}: expected {{"url": …, "exchange": …}}, found {type(error).__name__}: {error}') from error

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

    def _last_sequence(self) -> int:
        last = last_recorded(self.stack.paths.journal)
        return last.sequence if last else 0
