"""`timings`: shows how long each node of a workflow took."""

import shutil
from pathlib import Path

import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.output import print_json, write_file
from novaflow.cli.shell_completion import complete_workflow
from novaflow.render.as_comparison import draw_comparison
from novaflow.render.as_gantt import draw_timings
from novaflow.render.as_gantt_svg import draw_timings_html, draw_timings_svg
from novaflow.runtime.stack import Stack
from novaflow.runtime.timings_report import measure_last_runs

_PICTURES = {".svg": draw_timings_svg, ".html": draw_timings_html}


@click.command("timings")
@click.argument("workflow", default="run", shell_complete=complete_workflow)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--compare", is_flag=True, help="Show the nodes whose duration differs from that in the execution before it.")
@click.option("--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write a picture, FILE.svg or FILE.html.")
@click.option("--trace", is_flag=True, help="Send an OpenTelemetry trace to OTEL_EXPORTER_OTLP_ENDPOINT.")
@stack_arguments
def command(  # noqa: PLR0913 - one argument for each option
    *, stack: Stack, workflow: str, as_json: bool, compare: bool, output: Path | None, trace: bool
) -> None:
    """Show the timings of the latest WORKFLOW, by default of `run`.

    They are the start and duration of each node, the critical path, and how close the total is to its lower bound: the processor
    time divided by the number of cores, or the longest chain of needs, with the shortest duration of each node in the journal.

    Example: sudo novaflow timings install --output install.svg
    """
    ways = {"--trace": trace, "--output": output, "--compare": compare, "--json": as_json}
    given = [name for name, value in ways.items() if value]
    if len(given) > 1 and given != ["--compare", "--json"]:
        raise click.UsageError(f"{given[1]} cannot be used with {given[0]}")
    if output is not None and output.suffix not in _PICTURES:
        raise click.UsageError(f"--output: the name must end with {' or '.join(_PICTURES)}; it is {output}")
    *earlier, report = measure_last_runs(stack, workflow, 2 if compare else 1)
    if output is not None:
        write_file(output, _PICTURES[output.suffix](report.timings))
    elif trace:
        click.echo(f"{report.send_trace()} spans sent")
    elif as_json:
        print_json({"before": earlier[0].describe(), "now": report.describe()} if earlier else report.describe())
    elif earlier:
        click.echo(draw_comparison(earlier[0].timings, report.timings))
    else:
        click.echo(draw_timings(report.timings, shutil.get_terminal_size().columns))
