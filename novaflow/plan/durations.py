"""Durations of nodes, measured in earlier runs."""

from collections.abc import Iterable, Iterator, Mapping

from novaflow.events.types import Event, ServiceChanged, ServiceState, StepChanged, StepState


def last_durations(events: Iterable[Event]) -> Mapping[str, float]:
    """Return the last measured duration of each node in seconds: of a step until it succeeded, of a service until it was ready."""
    return dict(_measured(events))


def shortest_durations(events: Iterable[Event]) -> Mapping[str, float]:
    """Return the shortest measured duration of each node in seconds: the nearest to its duration on an idle machine."""
    shortest_s: dict[str, float] = {}
    for name, took_s in _measured(events):
        shortest_s[name] = min(took_s, shortest_s.get(name, took_s))
    return shortest_s


def _measured(events: Iterable[Event]) -> Iterator[tuple[str, float]]:
    """Yield each node that was up, and how long that took; an adopted service was not started."""
    starting = set[str]()
    for event in events:
        match event:
            case StepChanged(name=name, state=StepState.SUCCEEDED, duration_s=float(took_s)):
                yield name, took_s
            case ServiceChanged(name=name, state=ServiceState.STARTED):
                starting.add(name)
            case ServiceChanged(name=name, state=ServiceState.READY, duration_s=float(took_s)) if name in starting:
                starting.discard(name)
                yield name, took_s
            case _:
                pass
