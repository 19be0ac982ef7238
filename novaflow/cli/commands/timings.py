"""`timings`: shows how long each node of a workflow took."""

import shutil

import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.output import print_json
from novaflow.cli.shell_completion import complete_workflow
from novaflow.render.as_gantt import draw_timings
from novaflow.runtime.stack import Stack
from novaflow.runtime.timings_report import measure_last_run


@click.command("timings")
@click.argument("workflow", default="run", shell_complete=complete_workflow)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--trace", is_flag=True, help="Send an OpenTelemetry trace to OTEL_EXPORTER_OTLP_ENDPOINT.")
@stack_arguments
def command(*, stack: Stack, workflow: str, as_json: bool, trace: bool) -> None:
    """Show the timings of the latest WORKFLOW, by default of `run`.

    They are the start and duration of each node, the critical path, and how close the total is to its lower bound: the processor
    time divided by the number of cores, or the longest chain of needs, with the shortest duration of each node in the journal.

    Example: sudo novaflow timings install
    """
    report = measure_last_run(stack, workflow)
    if trace:
        click.echo(f"{report.send_trace()} spans sent")
    elif as_json:
        print_json(report.describe())
    else:
        click.echo(draw_timings(report.timings, shutil.get_terminal_size().columns))
