"""The journal stays small while a supervisor runs, and the state of the stack is not removed from it."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from itertools import pairwise
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.storage import Journal, follow_journal, last_record, read_journal, write_cursor
from novaflow.events.types import ComponentEvent
from novaflow.runtime.journal_size import keep_journal_small
from novaflow.runtime.orchestrator import open_orchestrator
from novaflow.runtime.stack import Stack
from novaflow.runtime.status import has_crashed, read_status
from tests.support.toy_stack import ToyStack

LARGEST = 32 << 20
NOTICE = ComponentEvent(kind="instance", name="vm", state="updated", reason="x" * 10_000)
TOO_MANY = 3_800  # such notices: 38 MB


async def test_a_crash_is_not_forgotten(toy: ToyStack, stack: Stack) -> None:
    """The next command reduces a journal whose newest 38 MB have nothing of the run; the status is the same as before."""
    toy.crash()
    before = read_status(stack)
    toy.append(*[NOTICE] * TOO_MANY, run_id="r2")
    confirm(stack)
    async with open_orchestrator(stack, [], print):
        pass
    assert stack.paths.journal.stat().st_size < LARGEST
    assert has_crashed(stack)
    assert read_status(stack) == before


def confirm(stack: Stack) -> None:
    """Write that the broker has confirmed every event."""
    last = last_record(stack.paths.journal)
    assert last is not None
    stack.publish_cursor.parent.mkdir(exist_ok=True)
    write_cursor(stack.publish_cursor, last)


@asynccontextmanager
async def kept_small(toy: ToyStack, stack: Stack) -> AsyncIterator[Journal]:
    """Provide the open journal of a stack that is kept small."""
    toy.crash()
    journal = Journal(stack.paths.journal, source=stack.source)
    async with anyio.create_task_group() as tasks:
        for _ in range(TOO_MANY):
            journal.append(NOTICE, "r2")
        tasks.start_soon(keep_journal_small, journal, stack)
        yield journal
        tasks.cancel_scope.cancel()
    journal.close()


async def wait_small(path: Path) -> None:
    """Wait until the journal is small."""
    with anyio.fail_after(30):
        while path.stat().st_size > LARGEST:  # noqa: ASYNC110 - a thread writes the file
            await anyio.sleep(0.01)


@pytest.mark.parametrize("is_confirmed", [False, True])
async def test_a_journal_stays_small_while_events_are_appended(toy: ToyStack, stack: Stack, *, is_confirmed: bool) -> None:
    """Events that are appended meanwhile are kept, in order; with a broker that confirms nothing as well."""
    path = stack.paths.journal
    async with kept_small(toy, stack) as journal:
        if is_confirmed:
            confirm(stack)
        with anyio.fail_after(30):
            while path.stat().st_size > LARGEST:
                journal.append(NOTICE, "r2")
                await anyio.sleep(0.001)
        last = journal.append(NOTICE, "r2").sequence
    found = [record.sequence for record in read_journal(path)]
    assert found[-1] == last
    assert found == sorted({*found})
    assert sum(after != before + 1 for before, after in pairwise(found)) == 1
    assert has_crashed(stack)


async def test_a_follower_continues_in_the_reduced_journal(toy: ToyStack, stack: Stack) -> None:
    """It receives every event once, also those from before the file was replaced."""
    followed: list[int] = []
    async with kept_small(toy, stack) as journal, aclosing(follow_journal(stack.paths.journal)) as events:
        first = await anext(events)
        await wait_small(stack.paths.journal)
        last = journal.append(NOTICE, "r2").sequence
        with anyio.fail_after(30):
            while not followed or followed[-1] < last:
                followed.append((await anext(events)).sequence)
    assert [first.sequence, *followed] == [*range(1, last + 1)]
