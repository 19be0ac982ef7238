"""Durations of nodes, measured in earlier runs."""

from collections.abc import Iterable, Mapping

from novaflow.events.types import Event, ServiceChanged, ServiceState, StepChanged, StepState


def last_durations(events: Iterable[Event]) -> Mapping[str, float]:
    """Return the last measured duration of each node in seconds: of a step until it succeeded, of a service until it was ready."""
    durations_s: dict[str, float] = {}
    for event in events:
        match event:
            case StepChanged(name=name, state=StepState.SUCCEEDED, duration_s=float(took_s)):
                durations_s[name] = took_s
            case ServiceChanged(name=name, state=ServiceState.READY, duration_s=float(took_s)):
                durations_s[name] = took_s
            case _:
                pass
    return durations_s
