"""`timings`: where the time went."""

import json
import shutil
from dataclasses import asdict

import click

from novaflow.adapters.storage.journal import read_journal
from novaflow.cli.shell_completion import complete_workflow
from novaflow.errors import UsageError
from novaflow.events.record import EventRecord
from novaflow.plan.graph import Graph
from novaflow.plan.timings import Timings, last_run, measure
from novaflow.render.as_gantt import draw_timings
from novaflow.runtime.stack import Stack, stack_arguments
from novaflow.settings.group import count_processors


@click.command("timings")
@click.argument("workflow", default="run", shell_complete=complete_workflow)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--trace", is_flag=True, help="Send it as an OpenTelemetry trace, where OTEL_EXPORTER_OTLP_ENDPOINT says.")
@stack_arguments
def command(*, stack: Stack, workflow: str, as_json: bool, trace: bool) -> None:
    """Show where the time of the latest WORKFLOW went, `run` if none is named.

    Each node's start and duration, the critical path, and how near all of it came to what was possible.

    Example: novaflow timings install
    """
    graph = stack.graph(workflow)
    run = last_run(workflow, read_journal(stack.paths.journal))
    if not run:
        raise UsageError(f"no {workflow!r} of this stack is in {stack.paths.journal}; run it first")
    timings = measure(graph, run, cores=count_processors())
    if trace:
        click.echo(_send_trace(timings, graph, run[0]))
        return
    click.echo(json.dumps(describe_timings(timings), indent=1) if as_json else draw_timings(timings, shutil.get_terminal_size().columns))


def _send_trace(timings: Timings, graph: Graph, first: EventRecord) -> str:
    try:
        from novaflow.adapters.telemetry.traces import export_trace  # noqa: PLC0415 - an extra, and for few
    except ImportError as error:
        raise UsageError("traces take an extra: install novaflow[telemetry]") from error
    needs = {name: node.needs for name, node in graph.nodes.items()}
    return f"{export_trace(timings, needs, source=first.source, run_id=first.run_id)} spans sent"


def describe_timings(timings: Timings) -> dict[str, object]:
    """Return the timings for other programs."""
    described = asdict(timings) | {"began": timings.began.isoformat().replace("+00:00", "Z")}
    return described | {"lower_bound_s": round(timings.lower_bound_s, 3), "efficiency": round(timings.efficiency, 3)}
