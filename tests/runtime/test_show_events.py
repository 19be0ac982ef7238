"""Events are shown while the action that causes them runs."""

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from novaflow.errors import StepFailed
from novaflow.events.record import EventRecord
from novaflow.events.types import StepState
from novaflow.runtime.show_events import show_events
from tests.support.programs import WITHIN_S
from tests.support.toy_stack import ToyStack, step_is


@pytest.fixture
def journal(toy: ToyStack) -> Path:
    """Return a journal with one event."""
    toy.append(step_is("before", StepState.SUCCEEDED))
    return toy.paths.journal


def collect(names: list[str], when_shown: Callable[[], object] = lambda: None) -> Callable[[EventRecord], None]:
    """Return a sink that keeps the names of events."""

    def show(record: EventRecord) -> None:
        names.append(record.event.name)
        when_shown()

    return show


async def test_events_are_shown_as_they_are_appended(toy: ToyStack, journal: Path) -> None:
    """An event is shown before the block ends; those that the journal held before are not shown."""
    names, shown = list[str](), anyio.Event()
    with anyio.fail_after(WITHIN_S):
        async with show_events(journal, collect(names, shown.set)):
            toy.append(step_is("one", StepState.SUCCEEDED))
            await shown.wait()
            assert names == ["one"]
    assert names == ["one"]


async def test_every_event_has_been_shown_when_the_block_has_ended(toy: ToyStack, journal: Path) -> None:
    """Events that were appended at the last moment are shown, each once and in order."""
    names = list[str]()
    async with show_events(journal, collect(names)):
        toy.append(*(step_is(f"{number}", StepState.SUCCEEDED) for number in range(20)))
    assert names == [f"{number}" for number in range(20)]


async def test_a_journal_may_not_exist_yet(toy: ToyStack) -> None:
    """The first event of a stack is shown as well."""
    names = list[str]()
    async with show_events(toy.paths.journal, collect(names)):
        toy.append(step_is("first", StepState.STARTED))
    assert names == ["first"]


@pytest.mark.parametrize("error", [StepFailed("it failed"), PermissionError("not yours")])
async def test_an_error_of_the_action_is_raised_as_it_is(toy: ToyStack, journal: Path, error: Exception) -> None:
    """It is not wrapped in a group, and the events before it are shown."""
    names = list[str]()

    async def fail() -> None:
        async with show_events(journal, collect(names)):
            toy.append(step_is("one", StepState.FAILED))
            raise error

    with pytest.raises(type(error)) as raised:
        await fail()
    assert raised.value is error
    assert names == ["one"]


async def test_a_time_limit_ends_the_block(toy: ToyStack, journal: Path) -> None:
    """The events until then have been shown."""
    names = list[str]()
    with anyio.move_on_after(0.05) as limit:
        async with show_events(journal, collect(names)):
            toy.append(step_is("one", StepState.STARTED))
            await anyio.sleep_forever()
    assert limit.cancelled_caught
    assert names == ["one"]
