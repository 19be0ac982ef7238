"""`graph`: draws the dependency graph of a workflow."""

from pathlib import Path

import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.output import write_file
from novaflow.cli.shell_completion import complete_workflow
from novaflow.render import DRAWINGS, find_format
from novaflow.render.as_states import draw_states
from novaflow.runtime.stack import Stack


@click.command("graph")
@click.argument("workflow", default="run", shell_complete=complete_workflow)
@click.option(
    "--format", "format_name", type=click.Choice([*DRAWINGS]), help="The default follows from the name of --output; otherwise text."
)
@click.option("--json", "format_name", flag_value="json", help="The same as --format json.")
@click.option("--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
@click.option("--states", is_flag=True, help="Draw the states of a node instead, as Mermaid.")
@stack_arguments
def command(*, stack: Stack, workflow: str, format_name: str | None, output: Path | None, states: bool) -> None:
    """Draw the dependency graph of WORKFLOW, by default of `run`.

    Example: novaflow graph run --output run.svg
    """
    drawing = draw_states() if states else DRAWINGS[format_name or find_format(output)](stack.graph(workflow))
    if output is None:
        click.echo(drawing, nl=False)
    else:
        write_file(output, drawing)
