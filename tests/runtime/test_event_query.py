"""The query for the options of `novaflow events`."""

import pytest

from novaflow.errors import UsageError
from novaflow.events.filter import EventFilter
from novaflow.events.types import EventKind
from novaflow.runtime.event_query import make_query
from tests.support.toys import a_component

VOLUME = a_component("volumes", declares=(EventKind("volume", "A volume changed.", {}, states=("create-end",)),))


def test_a_declared_kind_is_accepted() -> None:
    """A component declares kinds beside those of the core."""
    query = make_query(EventFilter(kinds=("volume", "step")), [VOLUME], follow=False, from_start=False, since=None)
    assert (query.filter.kinds, query.past, query.future) == (("volume", "step"), True, False)


def test_an_unknown_kind_is_rejected() -> None:
    """The message lists the kinds of the core and of components."""
    with pytest.raises(UsageError, match=r"^unknown event kind 'steps'; the kinds are: stack, workflow, step, service, volume$"):
        make_query(EventFilter(kinds=("steps",)), [VOLUME], follow=True, from_start=False, since=None)
