"""Durations from earlier runs, and the limits of pools."""

from novaflow.events.types import Event, ServiceChanged, ServiceState, StepChanged, StepState
from novaflow.model.step import ConcurrencyPool
from novaflow.plan.durations import last_durations, shortest_durations
from novaflow.plan.pools import pool_limits


def a_step_event(state: StepState, duration_s: float | None) -> StepChanged:
    """Return an event of the step ``a.go``."""
    return StepChanged(name="a.go", state=state, workflow="run", component="a", reason="x", duration_s=duration_s)


def a_service_event(state: ServiceState, duration_s: float | None = None) -> ServiceChanged:
    """Return an event of the service ``web``."""
    return ServiceChanged(name="web", state=state, workflow="run", component="web", reason="x", duration_s=duration_s)


def test_the_last_measurement_counts() -> None:
    """The latest successful execution of a node determines its duration."""
    events: list[Event] = [
        a_step_event(StepState.SUCCEEDED, 1.0),
        a_step_event(StepState.SUCCEEDED, 2.0),
        a_step_event(StepState.FAILED, 9.0),
        a_service_event(ServiceState.STARTED),
        a_service_event(ServiceState.READY, 3.0),
    ]
    assert last_durations(events) == {"a.go": 2.0, "web": 3.0}
    assert shortest_durations(events) == {"a.go": 1.0, "web": 3.0}


def test_only_starts_are_measured() -> None:
    """An adopted service, and one that is ready again after a failed check, were not started."""
    events: list[Event] = [
        a_service_event(ServiceState.STARTED),
        a_service_event(ServiceState.READY, 3.0),
        a_service_event(ServiceState.UNREADY),
        a_service_event(ServiceState.READY, 0.1),
        a_service_event(ServiceState.ADOPTED),
        a_service_event(ServiceState.READY, 0.2),
        a_service_event(ServiceState.STARTED),
        a_service_event(ServiceState.READY, 4.0),
    ]
    assert last_durations(events) == {"web": 4.0}
    assert shortest_durations(events) == {"web": 3.0}


def test_nodes_without_measurement_are_left_out() -> None:
    """A success without a duration is ignored."""
    assert last_durations([a_step_event(StepState.SUCCEEDED, None)]) == {}


def test_pools_are_limited_by_their_resource() -> None:
    """Packages are installed one step at a time, four steps download, each processor runs one; other steps are unlimited."""
    assert pool_limits(jobs=3) == {ConcurrencyPool.APT: 1, ConcurrencyPool.CPU: 3, ConcurrencyPool.NET: 4}
