"""The query for the options of `novaflow events`."""

import pytest

from novaflow.errors import UsageError
from novaflow.events.filter import EventFilter
from novaflow.events.types import EventKind
from novaflow.runtime.event_query import make_query
from tests.support.toys import a_component

VOLUME = a_component("volumes", declares=(EventKind("volume", "A volume changed.", {}, states=("create-end",)),))


def test_a_declared_kind_is_accepted() -> None:
    """A component declares kinds in addition to those of the core."""
    query = make_query(EventFilter(kinds=("volume", "step")), [VOLUME], follow=False, from_start=False, since=None)
    assert (query.filter.kinds, query.past, query.future) == (("volume", "step"), True, False)


def test_an_unknown_kind_is_rejected() -> None:
    """The message lists the kinds of the core and of components."""
    with pytest.raises(UsageError, match=r"^unknown event kind 'steps'; the kinds are: stack, workflow, step, service, disk, volume$"):
        make_query(EventFilter(kinds=("steps",)), [VOLUME], follow=True, from_start=False, since=None)


@pytest.mark.parametrize(
    ("follow", "from_start", "since", "past", "future"),
    [
        (False, False, None, True, False),
        (True, False, None, False, True),
        (True, True, None, True, True),
        (True, False, "10m", True, True),
        (False, True, None, True, False),
    ],
)
def test_options_decide_between_past_and_new_events(follow: bool, from_start: bool, since: str | None, past: bool, future: bool) -> None:  # noqa: FBT001
    """Without --follow, past events; with it, new ones, unless a beginning is given."""
    query = make_query(EventFilter(), [], follow=follow, from_start=from_start, since=since)
    assert (query.past, query.future) == (past, future)


def test_a_beginning_is_a_number_or_a_time() -> None:
    """Digits are a sequence number; everything else is a time."""
    assert make_query(EventFilter(), [], follow=False, from_start=False, since="42").filter.first == 42
    begin = make_query(EventFilter(), [], follow=False, from_start=False, since="2026-11-22T09:12+00:00").filter.since
    assert begin is not None
    assert begin.isoformat() == "2026-11-22T09:12:00+00:00"


@pytest.mark.parametrize("state", ["ready", "create-end", "s*", "x"])
def test_states_that_may_exist_are_accepted(state: str) -> None:
    """The states of a component's own kinds are not known, and wildcards match many."""
    assert make_query(EventFilter(states=(state,)), [], follow=False, from_start=False, since=None).filter.states == (state,)
