"""What earlier runs say about how long things take."""

from novaflow.events.types import Event, ServiceChanged, ServiceState, StepChanged, StepState
from novaflow.model.step import ConcurrencyPool
from novaflow.plan.durations import last_durations
from novaflow.plan.pools import pool_limits


def a_step_event(state: StepState, duration_s: float | None) -> StepChanged:
    """Return news of the step ``a.go``."""
    return StepChanged(name="a.go", state=state, workflow="run", component="a", reason="x", duration_s=duration_s)


def test_the_last_measurement_counts() -> None:
    """Of several runs, the latest that came to its end says how long a node takes."""
    web = ServiceChanged(name="web", state=ServiceState.READY, workflow="run", component="web", reason="x", duration_s=3.0)
    events: list[Event] = [
        a_step_event(StepState.SUCCEEDED, 1.0),
        a_step_event(StepState.SUCCEEDED, 2.0),
        a_step_event(StepState.FAILED, 9.0),
        web,
    ]
    assert last_durations(events) == {"a.go": 2.0, "web": 3.0}


def test_what_was_not_measured_is_left_out() -> None:
    """A success without a duration says nothing."""
    assert last_durations([a_step_event(StepState.SUCCEEDED, None)]) == {}


def test_lanes_are_as_wide_as_what_they_use_up() -> None:
    """Of dpkg there is one at a time, of cores as many as there are, and what uses nothing up has no width."""
    assert pool_limits(jobs=3) == {ConcurrencyPool.APT: 1, ConcurrencyPool.CPU: 3, ConcurrencyPool.NET: 4}
