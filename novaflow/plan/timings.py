"""Timings of one execution: a span for each node, the critical path, and the lower bound."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from novaflow.events.record import EventRecord
from novaflow.events.types import ServiceChanged, ServiceState, StepChanged, StepState, WorkflowChanged, WorkflowState
from novaflow.plan.graph import Graph


class Ending(StrEnum):
    """How the start of a node ended."""

    UP = "up"
    SKIPPED = "skipped"
    FAILED = "failed"
    OPEN = "open"  # it had not ended at the last event


@dataclass(frozen=True, slots=True)
class Span:
    """The start of a node: a step until it ends, a service until it is ready.

    ``start_s`` and ``end_s`` count from the start of the execution, ``waited_s`` from the end of the last need.
    """

    node: str
    start_s: float
    end_s: float
    waited_s: float
    ending: Ending

    @property
    def took_s(self) -> float:
        """Return the duration."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Timings:
    """The timings of one execution.

    ``spans`` are in the order of their start. ``critical_path`` ends with the node that ended last; before each node stands its
    need that ended last. ``chain_s`` is the longest sum of durations along needs, each the shortest in the journal. ``cpu_s`` is the
    processor time of all nodes, ``None`` if it was not measured.
    """

    workflow: str
    began: datetime
    elapsed_s: float
    spans: tuple[Span, ...]
    critical_path: tuple[str, ...]
    chain_s: float
    cores: int
    cpu_s: float | None = None

    @property
    def lower_bound_s(self) -> float:
        """Return the time that every schedule of these nodes on these cores takes at least."""
        return max(self.chain_s, (self.cpu_s or 0.0) / self.cores)

    @property
    def efficiency(self) -> float:
        """Return the lower bound divided by the elapsed time; 1 is optimal."""
        return self.lower_bound_s / self.elapsed_s if self.elapsed_s else 1.0


_ENDINGS: Mapping[StepState | ServiceState, Ending] = {
    StepState.SUCCEEDED: Ending.UP,
    StepState.SKIPPED: Ending.SKIPPED,
    StepState.FAILED: Ending.FAILED,
    ServiceState.READY: Ending.UP,
    ServiceState.ADOPTED: Ending.UP,
    ServiceState.FAILED: Ending.FAILED,
    ServiceState.EXITED: Ending.FAILED,
    ServiceState.STOPPED: Ending.FAILED,
}


@dataclass(slots=True)
class _Recorder:
    """Starts and ends of nodes in seconds since ``began``."""

    began: datetime
    starts_s: dict[str, float] = field(default_factory=dict)
    ends_s: dict[str, float] = field(default_factory=dict)
    endings: dict[str, Ending] = field(default_factory=dict)

    def record(self, event: StepChanged | ServiceChanged, time: datetime) -> None:
        """Record an event; only the first start of a node counts."""
        now_s = (time - self.began).total_seconds()
        ending = _ENDINGS.get(event.state)
        if event.name in self.ends_s or (ending is Ending.FAILED and event.name not in self.starts_s):
            return  # the node has been up before, or never started
        self.starts_s.setdefault(event.name, now_s)
        if ending is not None:
            self.ends_s[event.name], self.endings[event.name] = now_s, ending
            if event.duration_s is not None:
                self.starts_s[event.name] = max(0.0, now_s - event.duration_s)


def find_runs(workflow: str, events: Iterable[EventRecord]) -> tuple[tuple[EventRecord, ...], ...]:
    """Return the events of each execution of the workflow from its start, in order."""
    found: list[list[EventRecord]] = []
    for record in events:
        match record.event:
            case WorkflowChanged(name=name, state=WorkflowState.STARTED) if name == workflow:
                found.append([record])
            case _ if found and record.run_id == found[-1][0].run_id:
                found[-1].append(record)
            case _:
                pass
    return tuple(map(tuple, found))


def measure(graph: Graph, run: tuple[EventRecord, ...], *, cores: int, shortest_s: Mapping[str, float]) -> Timings:
    """Return the timings of the execution whose events are in ``run``; nodes that the graph does not contain are ignored.

    ``shortest_s`` are the shortest durations of nodes in all executions. Those of this one depend on the load, and cannot be its bound.
    """
    recorder = _Recorder(run[0].time)
    for record in run:
        if isinstance(record.event, StepChanged | ServiceChanged) and record.event.name in graph.nodes:
            recorder.record(record.event, record.time)
    last_s = (run[-1].time - recorder.began).total_seconds()
    spans = {span.node: span for span in _make_spans(graph, recorder, last_s)}
    return Timings(
        workflow=graph.workflow,
        began=recorder.began,
        elapsed_s=max((span.end_s for span in spans.values()), default=0.0),
        spans=tuple(sorted(spans.values(), key=lambda span: (span.start_s, span.end_s, span.node))),
        critical_path=_walk_back(graph, spans),
        chain_s=_measure_chain(graph, spans, shortest_s),
        cores=cores,
        cpu_s=next(
            (record.event.processor_s for record in run if isinstance(record.event, WorkflowChanged) and record.event.processor_s),
            None,
        ),
    )


def _make_spans(graph: Graph, recorder: _Recorder, last_s: float) -> Iterator[Span]:
    for name, start_s in recorder.starts_s.items():
        free_s = max((recorder.ends_s[need] for need in graph.nodes[name].needs if need in recorder.ends_s), default=0.0)
        waited_s = max(0.0, start_s - free_s)
        yield Span(name, start_s, recorder.ends_s.get(name, last_s), waited_s, recorder.endings.get(name, Ending.OPEN))


def _walk_back(graph: Graph, spans: Mapping[str, Span]) -> tuple[str, ...]:
    walk: list[str] = []
    candidates: Iterable[str] = spans
    while name := max((one for one in candidates if one in spans), key=lambda one: (spans[one].end_s, one), default=None):
        walk.append(name)
        candidates = graph.nodes[name].needs
    return tuple(reversed(walk))


def _measure_chain(graph: Graph, spans: Mapping[str, Span], shortest_s: Mapping[str, float]) -> float:
    durations_s = dict.fromkeys(graph.nodes, 0.0)
    for name, span in spans.items():
        durations_s[name] = min(span.took_s, shortest_s.get(name, span.took_s))
    return max(graph.remaining_s(durations_s).values(), default=0.0)
