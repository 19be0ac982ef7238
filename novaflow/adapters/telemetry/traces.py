"""Sends the timings of an execution as an OpenTelemetry trace; the only importer of opentelemetry."""

from collections.abc import Mapping
from datetime import timedelta
from hashlib import blake2b

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, set_span_in_context

from novaflow.errors import MachineError
from novaflow.plan.timings import Ending, Timings

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"  # opentelemetry reads it, and its default is http://localhost:4318


def export_trace(timings: Timings, needs: Mapping[str, frozenset[str]], *, source: str, run_id: str) -> int:
    """Send a span for the execution and one for each of its nodes, linked to its needs; return how many.

    The same execution always has the same ids, so that sending it twice stores it once.

    Raises: MachineError, if no collector accepts them.
    """
    kept = InMemorySpanExporter()
    resource = Resource.create({"service.name": "novaflow", "service.instance.id": source, "novaflow.run_id": run_id})
    provider = TracerProvider(resource=resource, id_generator=_RunIds(run_id), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    _make_spans(provider, timings, needs)
    exporter = OTLPSpanExporter()
    try:
        result = exporter.export(spans := kept.get_finished_spans())
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]
    if result is not SpanExportResult.SUCCESS:
        raise MachineError(f"no collector accepted the trace; set {_ENDPOINT} to its address (default: http://localhost:4318)")
    return len(spans)


def _make_spans(provider: TracerProvider, timings: Timings, needs: Mapping[str, frozenset[str]]) -> None:
    tracer = provider.get_tracer("novaflow")
    root = tracer.start_span(timings.workflow, start_time=_at_ns(timings, 0), attributes={"novaflow.cores": timings.cores})
    made: dict[str, SpanContext] = {}
    # Sorted by end: a need comes before its dependents.
    for span in sorted(timings.spans, key=lambda span: (span.end_s, span.start_s)):
        each = tracer.start_span(
            span.node,
            context=set_span_in_context(root),
            links=[Link(made[need]) for need in sorted(needs.get(span.node, ())) if need in made],
            start_time=_at_ns(timings, span.start_s),
            attributes={
                "novaflow.ending": span.ending,
                "novaflow.waited_s": span.waited_s,
                "novaflow.critical": span.node in timings.critical_path,
            },
        )
        if span.ending is Ending.FAILED:
            each.set_status(Status(StatusCode.ERROR))
        each.end(_at_ns(timings, span.end_s))
        made[span.node] = each.get_span_context()
    root.end(_at_ns(timings, timings.elapsed_s))


def _at_ns(timings: Timings, seconds: float) -> int:
    return int((timings.began + timedelta(seconds=seconds)).timestamp() * 1_000_000) * 1000


class _RunIds(IdGenerator):
    """Ids that are derived from the id of the run instead of random ones."""

    def __init__(self, run_id: str) -> None:
        self._run_id, self._spans = run_id, 0

    def generate_trace_id(self) -> int:
        """Return the trace's id: 16 bytes."""
        return int.from_bytes(blake2b(self._run_id.encode(), digest_size=16).digest(), "big")

    def generate_span_id(self) -> int:
        """Return the next span's id: 8 bytes."""
        self._spans += 1
        return int.from_bytes(blake2b(f"{self._run_id} {self._spans}".encode(), digest_size=8).digest(), "big")
