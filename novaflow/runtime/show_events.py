"""Shows the events that an action causes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from novaflow.adapters.storage import follow_journal, last_record, read_journal
from novaflow.engine.bus import Sink
from novaflow.errors import NovaflowError
from novaflow.events.record import EventRecord


@asynccontextmanager
async def show_events(journal: Path, show: Sink) -> AsyncIterator[None]:
    """Show every event that is appended to the journal while the block runs, in order.

    All of them have been shown when the block has ended, also if it raises.
    """
    follower = _Follower(journal, show)
    failure: NovaflowError | OSError | None = None
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follower.follow)
            try:
                yield
            except (NovaflowError, OSError) as error:
                failure = error
            tasks.cancel_scope.cancel()
    finally:
        follower.catch_up()
    if failure:
        raise failure  # outside of the group, which would wrap it in an ExceptionGroup


class _Follower:
    """Shows the events that are appended to a journal after this object is created."""

    def __init__(self, journal: Path, show: Sink) -> None:
        last = last_record(journal)
        self._journal, self._show = journal, show
        self._shown = last.sequence if last else 0

    async def follow(self) -> None:
        """Show events as they are appended, until cancelled."""
        async for record in follow_journal(self._journal, after=self._shown):
            self._show_one(record)

    def catch_up(self) -> None:
        """Show the events not shown yet."""
        for record in read_journal(self._journal, after=self._shown):
            self._show_one(record)

    def _show_one(self, record: EventRecord) -> None:
        self._shown = record.sequence
        self._show(record)
