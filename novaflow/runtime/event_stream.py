"""Telling a stack's events to whoever asked: from its broker, and from its journal what no broker tells."""

import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import click

from novaflow.adapters.storage.journal import follow_journal, last_record, read_journal
from novaflow.errors import UsageError
from novaflow.events.filter import EventFilter
from novaflow.events.record import EventRecord
from novaflow.model.probe import NotYet
from novaflow.runtime.stack import Stack

Handle = Callable[[EventRecord], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class EventQuery:
    """What is asked of a stack: which events, of the past, of the future, or of both."""

    stack: Stack
    wanted: EventFilter
    past: bool
    future: bool

    async def publish(self, publish: Handle) -> None:
        """Tell every wanted event, in order."""
        after = 0 if self.past else self._last_sequence()
        try:
            after = await self._read_from_broker(publish, after)
        except NotYet as why:
            click.echo(f"novaflow: this is the journal, not the broker: {why}", err=True)
        await self._read_from_journal(publish, after)

    async def _read_from_broker(self, publish: Handle, after: int) -> int:
        url, exchange = self._broker()
        # Here, since kombu takes 80 ms to import, and a journal is read without it.
        from novaflow.runtime.event_stream_broker import read_from_broker  # noqa: PLC0415

        return await read_from_broker(self, url, exchange, publish, after)

    def _broker(self) -> tuple[str, str]:
        path = self.stack.paths.credentials / "events.json"
        try:
            known = json.loads(path.read_bytes())
            return known["url"], known["exchange"]
        except FileNotFoundError as error:
            raise NotYet(f"{path} does not exist") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f'{path}: expected {{"url": …, "exchange": …}}, found {type(error).__name__}: {error}') from error

    async def _read_from_journal(self, publish: Handle, after: int) -> None:
        after = max(after, self.wanted.first - 1)
        for record in read_journal(self.stack.paths.journal, after=after, since=self.wanted.since):
            after = record.sequence
            if self.wanted.admits(record):
                await publish(record)
        if self.future:
            async with aclosing(follow_journal(self.stack.paths.journal, after=after)) as events:
                async for record in events:
                    if self.wanted.admits(record):
                        await publish(record)

    def _last_sequence(self) -> int:
        last = last_record(self.stack.paths.journal)
        return last.sequence if last else 0
