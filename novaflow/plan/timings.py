"""Where the time of one execution went: each node's span, the critical path, and what was possible."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from novaflow.events.record import EventRecord
from novaflow.events.types import ServiceChanged, ServiceState, StepChanged, StepState, WorkflowChanged, WorkflowState
from novaflow.plan.graph import Graph


class Ending(StrEnum):
    """How a node's way up ended."""

    UP = "up"
    SKIPPED = "skipped"
    FAILED = "failed"
    OPEN = "open"  # it had not ended when the last event was told


@dataclass(frozen=True, slots=True)
class Span:
    """A node's way up: a step to its end, a service to its being ready.

    ``start_s`` and ``end_s`` count from the beginning of the execution, ``waited_s`` from the end of the last need.
    """

    node: str
    start_s: float
    end_s: float
    waited_s: float
    ending: Ending

    @property
    def took_s(self) -> float:
        """Return how long it took."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Timings:
    """One execution, measured.

    ``spans`` are in order of start. ``critical_path`` leads from the first node to the last that ended, each the need
    that ended last. ``chain_s`` is the longest sum of durations along needs. ``cpu_s`` is the processor time of all
    nodes together, ``None`` if nobody measured it.
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
        """Return what no order of the same nodes on the same cores could beat."""
        return max(self.chain_s, (self.cpu_s or 0.0) / self.cores)

    @property
    def efficiency(self) -> float:
        """Return the lower bound as a part of the time it took; 1 is perfect."""
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
class _Watch:
    """What is known of each node while the events are read, in seconds since ``began``."""

    began: datetime
    starts_s: dict[str, float] = field(default_factory=dict)
    ends_s: dict[str, float] = field(default_factory=dict)
    endings: dict[str, Ending] = field(default_factory=dict)

    def note(self, event: StepChanged | ServiceChanged, time: datetime) -> None:
        """Take note of an event; only a node's first way up counts."""
        now_s = (time - self.began).total_seconds()
        ending = _ENDINGS.get(event.state)
        if event.name in self.ends_s or (ending is Ending.FAILED and event.name not in self.starts_s):
            return  # it was up before, or never started
        self.starts_s.setdefault(event.name, now_s)
        if ending is not None:
            self.ends_s[event.name], self.endings[event.name] = now_s, ending
            if event.duration_s is not None:
                self.starts_s[event.name] = max(0.0, now_s - event.duration_s)


def last_run(workflow: str, events: Iterable[EventRecord]) -> tuple[EventRecord, ...]:
    """Return the events of the workflow's latest execution, from its beginning; none if it was never run."""
    found: list[EventRecord] = []
    for record in events:
        match record.event:
            case WorkflowChanged(name=name, state=WorkflowState.STARTED) if name == workflow:
                found = [record]
            case _ if found and record.run_id == found[0].run_id:
                found.append(record)
            case _:
                pass
    return tuple(found)


def measure(graph: Graph, run: tuple[EventRecord, ...], *, cores: int) -> Timings:
    """Return the timings of the execution whose events ``run`` holds, from its beginning.

    Nodes that the graph does not know have left the workflow since
    and are passed over.
    """
    watch = _Watch(run[0].time)
    for record in run:
        if isinstance(record.event, StepChanged | ServiceChanged) and record.event.name in graph.nodes:
            watch.note(record.event, record.time)
    last_s = (run[-1].time - watch.began).total_seconds()
    spans = {span.node: span for span in _make_spans(graph, watch, last_s)}
    return Timings(
        workflow=graph.workflow,
        began=watch.began,
        elapsed_s=max((span.end_s for span in spans.values()), default=0.0),
        spans=tuple(sorted(spans.values(), key=lambda span: (span.start_s, span.end_s, span.node))),
        critical_path=_walk_back(graph, spans),
        chain_s=_measure_chain(graph, spans),
        cores=cores,
        cpu_s=next(
            (record.event.processor_s for record in run if isinstance(record.event, WorkflowChanged) and record.event.processor_s),
            None,
        ),
    )


def _make_spans(graph: Graph, watch: _Watch, last_s: float) -> Iterator[Span]:
    for name, start_s in watch.starts_s.items():
        free_s = max((watch.ends_s[need] for need in graph.nodes[name].needs if need in watch.ends_s), default=0.0)
        waited_s = max(0.0, start_s - free_s)
        yield Span(name, start_s, watch.ends_s.get(name, last_s), waited_s, watch.endings.get(name, Ending.OPEN))


def _walk_back(graph: Graph, spans: Mapping[str, Span]) -> tuple[str, ...]:
    walk: list[str] = []
    candidates: Iterable[str] = spans
    while name := max((one for one in candidates if one in spans), key=lambda one: (spans[one].end_s, one), default=None):
        walk.append(name)
        candidates = graph.nodes[name].needs
    return tuple(reversed(walk))


def _measure_chain(graph: Graph, spans: Mapping[str, Span]) -> float:
    durations_s = {name: spans[name].took_s if name in spans else 0.0 for name in graph.nodes}
    return max(graph.remaining_s(durations_s).values(), default=0.0)
