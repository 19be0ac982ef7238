"""`timings`: where the time went."""

import json
import shutil
from dataclasses import asdict

import click

from novaflow.adapters.journal import read_journal
from novaflow.cli.stack import Stack, stack_arguments
from novaflow.drawing.as_gantt import draw_timings
from novaflow.errors import UsageError
from novaflow.plan.timings import Timings, last_run, measure
from novaflow.settings.fields import count_processors


@click.command("timings")
@click.argument("workflow", default="run")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@stack_arguments
def command(*, stack: Stack, workflow: str, as_json: bool) -> None:
    """Show where the time of the latest WORKFLOW went, `run` if none is named.

    Each node's start and duration, the critical path, and how near all of it came to what was possible.

    Example: novaflow timings install
    """
    graph = stack.graph(workflow)
    run = last_run(workflow, read_journal(stack.paths.journal))
    if not run:
        raise UsageError(f"no {workflow!r} of this stack is in {stack.paths.journal}; run it first")
    timings = measure(graph, run, cores=count_processors())
    click.echo(json.dumps(describe_timings(timings), indent=1) if as_json else draw_timings(timings, shutil.get_terminal_size().columns))


def describe_timings(timings: Timings) -> dict[str, object]:
    """Return the timings for other programs."""
    described = asdict(timings) | {"began": timings.began.isoformat().replace("+00:00", "Z")}
    return described | {"lower_bound_s": round(timings.lower_bound_s, 3), "efficiency": round(timings.efficiency, 3)}
