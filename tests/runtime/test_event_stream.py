"""Events of a stack without a broker; tests/cli/test_events.py has those with one."""

from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import anyio
import pytest

from novaflow.errors import UsageError
from novaflow.events.filter import EventFilter
from novaflow.events.types import ServiceState, StepState
from novaflow.runtime.event_query import EventQuery
from novaflow.runtime.event_stream import stream_events
from novaflow.runtime.stack import Stack
from tests.support.programs import WITHIN_S
from tests.support.toy_stack import ToyStack, service_is, step_is

PAST = EventQuery(EventFilter(), past=True, future=False)


@pytest.fixture(autouse=True)
def journal(toy: ToyStack) -> None:
    """Append three events."""
    toy.append(*(step_is("toy.create", state) for state in (StepState.STARTED, StepState.SUCCEEDED)), service_is("web", ServiceState.READY))


async def read(stack: Stack, query: EventQuery, warnings: list[str] | None = None) -> list[int]:
    """Return the sequence numbers of a stream that ends."""
    with anyio.fail_after(WITHIN_S):
        async with aclosing(stream_events(stack, query, (list[str]() if warnings is None else warnings).append)) as events:
            return [record.sequence async for record in events]


async def test_past_events_are_read_from_the_journal(stack: Stack) -> None:
    """The stream ends with the last event; one warning says why the broker is not used."""
    warnings = list[str]()
    assert await read(stack, PAST, warnings) == [1, 2, 3]
    assert warnings == [f"broker unreachable; showing the local journal: {stack.paths.credentials}/events.json does not exist"]


@pytest.mark.parametrize(
    ("event_filter", "sequences"),
    [
        (EventFilter(kinds=("step",)), [1, 2]),
        (EventFilter(names=("w*",)), [3]),
        (EventFilter(first=2), [2, 3]),
        (EventFilter(first=9), []),
        (EventFilter(since=datetime.now(UTC) - timedelta(hours=1)), [1, 2, 3]),
        (EventFilter(since=datetime.now(UTC) + timedelta(hours=1)), []),
    ],
)
async def test_events_are_filtered(stack: Stack, event_filter: EventFilter, sequences: list[int]) -> None:
    """Only events that the filter admits are in the stream."""
    assert await read(stack, EventQuery(event_filter, past=True, future=False)) == sequences


async def test_a_stack_that_was_never_run_has_no_events(toy: ToyStack, stack: Stack) -> None:
    """A missing journal is an empty one."""
    toy.paths.journal.unlink()
    assert await read(stack, PAST) == []


async def follow(toy: ToyStack, query: EventQuery, count: int) -> list[str]:
    """Return the names of the first events of an endless stream; one more event is appended when the stream has begun."""
    names = list[str]()

    def append(_: str) -> None:
        toy.append(step_is("late", StepState.STARTED))

    with anyio.fail_after(WITHIN_S):
        async with aclosing(stream_events(toy.open(), query, append)) as events:
            async for record in events:
                names.append(record.event.name)
                if len(names) == count:
                    break
    return names


async def test_new_events_follow_past_ones(toy: ToyStack) -> None:
    """A stream of both does not end, and no event is missing or repeated."""
    assert await follow(toy, EventQuery(EventFilter(), past=True, future=True), 4) == ["toy.create", "toy.create", "web", "late"]


async def test_a_stream_of_new_events_begins_at_the_end(toy: ToyStack) -> None:
    """Past events are not in it."""
    assert await follow(toy, EventQuery(EventFilter(), past=False, future=True), 1) == ["late"]


async def test_new_events_are_filtered(toy: ToyStack) -> None:
    """The filter applies to past and new events."""
    query = EventQuery(EventFilter(names=("late", "web")), past=True, future=True)
    assert await follow(toy, query, 2) == ["web", "late"]


async def test_invalid_credentials_are_an_error(stack: Stack) -> None:
    """The journal is not shown instead: the user has to repair the file."""
    stack.paths.credentials.mkdir()
    (stack.paths.credentials / "events.json").write_text("[]")
    with pytest.raises(UsageError, match=r'events\.json: expected \{"url": …, "exchange": …\}, found TypeError'):
        await read(stack, PAST)
