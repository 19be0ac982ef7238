"""The timings of the latest executions of a workflow."""

from dataclasses import asdict, dataclass

from novaflow.adapters.storage import read_journal
from novaflow.errors import UsageError
from novaflow.events.record import EventRecord
from novaflow.plan.durations import shortest_durations
from novaflow.plan.graph import Graph
from novaflow.plan.timings import Timings, find_runs, measure
from novaflow.runtime.stack import Stack
from novaflow.settings.group import count_processors


@dataclass(frozen=True, slots=True)
class TimingsReport:
    """One execution of a workflow: its graph, its first event and what was measured."""

    graph: Graph
    first: EventRecord
    timings: Timings

    def describe(self) -> dict[str, object]:
        """Return the object that `timings --json` prints."""
        began = self.timings.began.isoformat().replace("+00:00", "Z")
        bounds = {"lower_bound_s": round(self.timings.lower_bound_s, 3), "efficiency": round(self.timings.efficiency, 3)}
        return asdict(self.timings) | {"began": began} | bounds

    def send_trace(self) -> int:
        """Send an OpenTelemetry trace to OTEL_EXPORTER_OTLP_ENDPOINT, and return how many spans it has.

        Raises: UsageError, if the required packages are not installed; MachineError, if no collector accepts it.
        """
        try:
            from novaflow.adapters.telemetry.traces import export_trace  # noqa: PLC0415 - an optional dependency
        except ImportError as error:
            raise UsageError("traces require an extra: install novaflow[telemetry]") from error
        needs = {name: node.needs for name, node in self.graph.nodes.items()}
        return export_trace(self.timings, needs, source=self.first.source, run_id=self.first.run_id)


def measure_last_runs(stack: Stack, workflow: str, count: int = 1) -> tuple[TimingsReport, ...]:
    """Return the timings of the latest executions of a workflow, in order.

    Raises: UsageError, if there is no such workflow, or it was run less often.
    """
    graph = stack.graph(workflow)
    journal = [*read_journal(stack.paths.journal)]
    runs = find_runs(workflow, journal)[-count:]
    if not runs:
        raise UsageError(f"no execution of {workflow!r} in {stack.paths.journal}; run it first")
    if len(runs) < count:
        raise UsageError(f"only one execution of {workflow!r} in {stack.paths.journal}; run it again")
    shortest_s = shortest_durations(record.event for record in journal)
    cores = count_processors()
    return tuple(TimingsReport(graph, run[0], measure(graph, run, cores=cores, shortest_s=shortest_s)) for run in runs)
