"""The events of a stack that a user requests."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches

from novaflow.errors import UsageError
from novaflow.events.filter import EventFilter, parse_since
from novaflow.events.types import CORE_EVENTS, STATES, EventKind
from novaflow.model.component import Component, declared


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Events that pass ``filter``: existing ones (``past``), new ones (``future``), or both."""

    filter: EventFilter
    past: bool
    future: bool


def make_query(events: EventFilter, components: Iterable[Component], *, follow: bool, from_start: bool, since: str | None) -> EventQuery:
    """Return the query for the options of `novaflow events`; ``since`` is a time, an age or a sequence number.

    Raises: UsageError, if ``since`` is none of these, a kind is unknown, or a state looks misspelt: it would match no event.
    """
    _check_kinds(events.kinds, components)
    _check_states(events.states)
    return EventQuery(_begin_at(events, since), past=from_start or bool(since) or not follow, future=follow)


def _check_kinds(kinds: tuple[str, ...], components: Iterable[Component]) -> None:
    known = (*CORE_EVENTS, *(kind.name for kind in declared(components, EventKind)))
    for kind in kinds:
        if kind not in known:
            raise UsageError(f"unknown event kind {kind!r}; the kinds are: {', '.join(known)}")


def _check_states(states: tuple[str, ...]) -> None:
    known = sorted({state.value for states in STATES.values() for state in states})
    for state in states:
        if state not in known and (close := get_close_matches(state, known, n=1, cutoff=0.8)):
            raise UsageError(f"--state {state}: unknown state; did you mean {close[0]!r}?")


def _begin_at(events: EventFilter, since: str | None) -> EventFilter:
    if since is None:
        return events
    try:
        begin = parse_since(since, datetime.now(UTC))
    except ValueError as error:
        expected = "a time (2026-11-22T09:12), an age (10m) or a sequence number (42)"
        raise UsageError(f"--since: expected {expected}, found {since!r}") from error
    return replace(events, first=begin) if isinstance(begin, int) else replace(events, since=begin)
