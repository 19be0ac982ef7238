"""Timings of an execution, computed from its events."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from novaflow.events.record import EventRecord
from novaflow.events.types import (
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
from novaflow.plan.timings import Ending, Timings, find_runs, measure
from tests.support.toys import graph_of

BEGAN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
GRAPH = graph_of({"create": [], "db": ["create"], "web": ["db"], "keys": []}, services={"db", "web"})


def begin(workflow: str = "run") -> WorkflowChanged:
    """Return the event that starts a workflow."""
    return WorkflowChanged(name=workflow, state=WorkflowState.STARTED, reason="x")


def a_step(name: str, state: StepState, duration_s: float | None = None) -> StepChanged:
    """Return an event of a step."""
    return StepChanged(name=name, state=state, workflow="run", component=name, reason="x", duration_s=duration_s)


def a_service(name: str, state: ServiceState, duration_s: float | None = None) -> ServiceChanged:
    """Return an event of a service."""
    return ServiceChanged(name=name, state=state, workflow="run", component=name, reason="x", duration_s=duration_s)


def record(events: Sequence[tuple[float, Event]], run_id: str = "r1") -> tuple[EventRecord, ...]:
    """Return the events as recorded at these seconds after the start."""
    return tuple(
        EventRecord(
            id=f"{run_id}-{number}", sequence=number + 1, time=BEGAN + timedelta(seconds=at_s), source="/x/nova", run_id=run_id, event=event
        )
        for number, (at_s, event) in enumerate(events)
    )


SMOOTH: Sequence[tuple[float, Event]] = [
    (0, begin()),
    (0, a_step("create", StepState.STARTED)),
    (0, a_step("keys", StepState.STARTED)),
    (1, a_step("create", StepState.SUCCEEDED)),
    (1.5, a_service("db", ServiceState.STARTED)),
    (2, a_step("keys", StepState.SKIPPED)),
    (4, a_service("db", ServiceState.READY, 2.5)),
    (4, a_service("web", ServiceState.STARTED)),
    (9, a_service("web", ServiceState.READY, 5)),
    (9, WorkflowChanged(name="run", state=WorkflowState.SUCCEEDED, reason="x")),
    (60, a_service("web", ServiceState.EXITED, 56)),
    (60, a_service("web", ServiceState.FAILED, 56)),
]


def timings_of(*events: tuple[float, Event]) -> Timings:
    """Return the timings of one execution on two cores."""
    return measure(GRAPH, record(events), cores=2, shortest_s={})


def test_a_span_ends_when_the_node_is_up() -> None:
    """A step's span ends with the step, a service's when it is ready; later events do not count."""
    spans = {span.node: (span.start_s, span.end_s, span.ending) for span in timings_of(*SMOOTH).spans}
    assert spans == {
        "create": (0, 1, Ending.UP),
        "keys": (0, 2, Ending.SKIPPED),
        "db": (1.5, 4, Ending.UP),
        "web": (4, 9, Ending.UP),
    }


def test_waiting_for_a_pool_is_measured() -> None:
    """The wait is the time between the end of the last need and the start of the node."""
    assert {span.node: span.waited_s for span in timings_of(*SMOOTH).spans} == {"create": 0, "keys": 0, "db": 0.5, "web": 0}


def test_the_critical_path_is_traced_backwards() -> None:
    """It leads from the node that ended last through the need that ended last."""
    timings = timings_of(*SMOOTH)
    assert timings.critical_path == ("create", "db", "web")
    assert timings.elapsed_s == 9


def test_the_lower_bound_is_the_longest_chain() -> None:
    """No schedule is faster than the longest chain of needs."""
    timings = timings_of(*SMOOTH)
    assert timings.chain_s == timings.lower_bound_s == 8.5
    assert timings.efficiency == pytest.approx(8.5 / 9)


def test_the_chain_uses_the_shortest_durations() -> None:
    """A node that took longer than ever, because the machine was busy, does not raise the bound."""
    timings = measure(GRAPH, record(SMOOTH), cores=2, shortest_s={"create": 3, "web": 2, "removed": 0.1})
    assert timings.chain_s == 1 + 2.5 + 2


def test_the_lower_bound_includes_processor_time() -> None:
    """Two cores need at least ten seconds for twenty seconds of processor time."""
    end = WorkflowChanged(name="run", state=WorkflowState.SUCCEEDED, reason="every node is up", processor_s=20)
    timings = measure(GRAPH, record((*SMOOTH, (9, end))), cores=2, shortest_s={})
    assert timings.lower_bound_s == 10


def test_nodes_that_never_started_have_no_span() -> None:
    """A failed node has a span, a node that failed because of a need has none."""
    timings = timings_of(
        (0, begin()),
        (0, a_step("create", StepState.STARTED)),
        (3, a_step("create", StepState.FAILED, 3)),
        (3, a_service("db", ServiceState.FAILED)),
    )
    assert [(span.node, span.took_s, span.ending) for span in timings.spans] == [("create", 3, Ending.FAILED)]


def test_an_open_span_ends_with_the_last_event() -> None:
    """An unfinished execution can be measured."""
    timings = timings_of((0, begin()), (1, a_step("create", StepState.STARTED)), (5, a_step("keys", StepState.STARTED)))
    assert [(span.node, span.end_s, span.ending) for span in timings.spans] == [("create", 5, Ending.OPEN), ("keys", 5, Ending.OPEN)]


def test_a_duration_is_more_exact_than_the_start_event() -> None:
    """A service's duration counts from before its process was started."""
    timings = timings_of((0, begin()), (0.5, a_service("db", ServiceState.STARTED)), (2, a_service("db", ServiceState.READY, 1.75)))
    assert timings.spans[0].start_s == 0.25


def test_nodes_that_left_the_workflow_are_ignored() -> None:
    """Events of nodes that the graph does not contain are ignored."""
    assert timings_of((0, begin()), (1, a_step("removed", StepState.STARTED))).spans == ()


def test_an_empty_execution_has_efficiency_one() -> None:
    """An execution without nodes takes no time."""
    timings = timings_of((0, begin()))
    assert (timings.elapsed_s, timings.critical_path, timings.efficiency) == (0, (), 1)


def test_executions_are_separated() -> None:
    """Events of other workflows and of the stack are left out."""
    stack = StackChanged(name="nova", state=StackState.STARTING, reason="x")
    first, other = record([(0, begin())], "r1"), record([(0, begin("install"))], "r2")
    second = record([(0, stack), (1, begin()), (2, a_step("create", StepState.STARTED))], "r3")
    assert find_runs("run", (*first, *other, *second, *record([(3, stack)], "r2"))) == (first, second[1:])


def test_a_workflow_that_never_ran_has_no_events() -> None:
    """Without an execution there are no events."""
    assert find_runs("run", record([(0, begin("install"))])) == ()
