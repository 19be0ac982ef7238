"""The events that a reduced journal keeps: few, and enough for the state of the stack and the timings of its workflows."""

from datetime import UTC, datetime, timedelta

from novaflow.events.record import EventRecord
from novaflow.events.types import (
    ComponentEvent,
    Event,
    ServiceChanged,
    ServiceState,
    StackChanged,
    StackState,
    StepChanged,
    StepState,
    WorkflowChanged,
    WorkflowState,
)
from novaflow.model.latest_runs import LatestRuns
from novaflow.model.status import StackStatus

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def records_of(*events: Event) -> list[EventRecord]:
    """Return the events, one a second, each with its place as sequence number."""
    return [
        EventRecord(id=str(number), sequence=number, time=START + timedelta(seconds=number), source="/x/nova", run_id="r1", event=event)
        for number, event in enumerate(events)
    ]


def kept_of(*events: Event) -> list[int]:
    """Return the places of the events that are kept."""
    runs = LatestRuns()
    for record in records_of(*events):
        runs.add(record)
    return [record.sequence for record in runs.records()]


def stack(state: StackState, duration_s: float | None = None) -> StackChanged:
    """Return an event of the stack."""
    return StackChanged(name="nova", state=state, reason=f"now {state}", duration_s=duration_s)


def workflow(name: str, state: WorkflowState) -> WorkflowChanged:
    """Return an event of a workflow."""
    return WorkflowChanged(name=name, state=state, reason=f"now {state}")


def web(state: ServiceState, pid: int | None = None) -> ServiceChanged:
    """Return an event of a service."""
    return ServiceChanged(name="web", state=state, workflow="run", component="site", reason=f"now {state}", pid=pid, port=80)


def fetch(state: StepState) -> StepChanged:
    """Return an event of a step of the installation."""
    return StepChanged(name="fetch", state=state, workflow="install", component="site", reason=f"now {state}")


def test_the_first_and_the_last_event_of_each_state_are_kept() -> None:
    """The first ready event has the duration of the start, the last one is the present state; the status is the same."""
    loss = (web(ServiceState.EXITED), stack(StackState.DEGRADED))
    events = (
        stack(StackState.STARTING),
        workflow("run", WorkflowState.STARTED),
        web(ServiceState.STARTED, pid=7),
        web(ServiceState.READY),
        stack(StackState.READY, 61.2),
        *loss,
        stack(StackState.READY),
        *loss,
        web(ServiceState.STARTED, pid=8),
        web(ServiceState.READY),
        stack(StackState.READY),
    )
    kept = kept_of(*events)
    assert kept == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12]
    records = records_of(*events)
    full, short = StackStatus("nova"), StackStatus("nova")
    for record in records:
        full = full.apply(record)
    for number in kept:
        short = short.apply(records[number])
    assert short == full


def test_of_each_workflow_the_latest_execution_is_kept() -> None:
    """A new execution replaces the one before, and no other workflow's."""
    assert kept_of(
        workflow("install", WorkflowState.STARTED),
        fetch(StepState.FAILED),
        workflow("install", WorkflowState.FAILED),
        workflow("install", WorkflowState.STARTED),
        fetch(StepState.SUCCEEDED),
        stack(StackState.STARTING),
        web(ServiceState.FAILED),
        stack(StackState.STARTING),
        web(ServiceState.READY),
    ) == [3, 4, 7, 8]


def test_events_of_components_are_not_kept() -> None:
    """Their number has no limit."""
    assert kept_of(ComponentEvent(kind="instance", name="vm", state="updated", reason="requested")) == []
