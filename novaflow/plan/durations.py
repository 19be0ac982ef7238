"""How long nodes took in earlier runs."""

from collections.abc import Iterable, Mapping

from novaflow.events.types import Event, ServiceChanged, ServiceState, StepChanged, StepState


def last_durations(events: Iterable[Event]) -> Mapping[str, float]:
    """Return each node's last measured seconds: of a step to its end, of a service to its being ready."""
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
