"""An execution as an OpenTelemetry trace."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent

from novaflow.adapters.telemetry.traces import export_trace
from novaflow.errors import MachineError
from novaflow.plan.timings import Ending, Span, Timings

BEGAN = datetime(2026, 11, 22, 9, 12, 33, tzinfo=UTC)
TIMINGS = Timings(
    workflow="run",
    began=BEGAN,
    elapsed_s=5.5,
    spans=(
        Span("mariadb", 0.0, 2.0, 0.0, Ending.UP),
        Span("rabbitmq", 0.0, 4.0, 0.0, Ending.UP),
        Span("nova-api", 4.5, 5.5, 0.5, Ending.FAILED),
    ),
    critical_path=("rabbitmq", "nova-api"),
    chain_s=5.0,
    cores=2,
)
NEEDS = {"nova-api": frozenset({"mariadb", "rabbitmq"}), "mariadb": frozenset[str]()}


class Collector:
    """An HTTP server that keeps the traces it receives."""

    def __init__(self, status: int) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.requests.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def spans(self) -> dict[str, Sent]:
        """Return the spans of the last request by name."""
        return {span.name: span for each in self.requests[-1].resource_spans for scope in each.scope_spans for span in scope.spans}


@pytest.fixture
def collector(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Return a collector whose address is in the environment."""
    collector = Collector(getattr(request, "param", 200))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server.server_port}")
    yield collector
    collector.server.shutdown()
    collector.server.server_close()


def send() -> int:
    """Send the trace."""
    return export_trace(TIMINGS, NEEDS, source="/novaflow/host/nova", run_id="r1")


def test_each_node_is_a_span(collector: Collector) -> None:
    """Spans have the times of nodes and belong to the execution; a failed one is an error."""
    assert send() == 4
    spans = collector.spans
    began_ns = int(BEGAN.timestamp()) * 10**9
    assert {name: (span.start_time_unix_nano - began_ns, span.end_time_unix_nano - began_ns) for name, span in spans.items()} == {
        "run": (0, 5_500_000_000),
        "mariadb": (0, 2_000_000_000),
        "rabbitmq": (0, 4_000_000_000),
        "nova-api": (4_500_000_000, 5_500_000_000),
    }
    assert {span.parent_span_id for name, span in spans.items() if name != "run"} == {spans["run"].span_id}
    assert [name for name, span in spans.items() if span.status.code == span.status.STATUS_CODE_ERROR] == ["nova-api"]


def test_a_span_is_linked_to_its_needs(collector: Collector) -> None:
    """A viewer can show what a node waited for."""
    send()
    spans = collector.spans
    assert [link.span_id for link in spans["nova-api"].links] == [spans["mariadb"].span_id, spans["rabbitmq"].span_id]
    assert not spans["mariadb"].links


def test_a_run_has_one_trace(collector: Collector) -> None:
    """A trace that is sent again replaces the first; it names the stack and the run."""
    assert [send(), send()] == [4, 4]
    assert collector.requests[0] == collector.requests[1]
    attributes = {each.key: each.value.string_value for each in collector.requests[0].resource_spans[0].resource.attributes}
    assert (attributes["service.name"], attributes["service.instance.id"], attributes["novaflow.run_id"]) == (
        "novaflow",
        "/novaflow/host/nova",
        "r1",
    )


@pytest.mark.parametrize("collector", [400], indirect=True)
@pytest.mark.usefixtures("collector")
def test_a_refused_trace_is_an_error() -> None:
    """The message names the variable with the address."""
    with pytest.raises(MachineError, match=r"^no collector accepted the trace; set OTEL_EXPORTER_OTLP_ENDPOINT to its address"):
        send()
