"""`graph`: what needs what, as text or as a picture."""

from pathlib import Path

import click

from novaflow.cli.shell_completion import complete_workflow
from novaflow.errors import UsageError
from novaflow.render import DRAWINGS
from novaflow.render.as_states import draw_states
from novaflow.runtime.stack import Stack, stack_arguments


@click.command("graph")
@click.argument("workflow", default="run", shell_complete=complete_workflow)
@click.option("--format", "language", type=click.Choice([*DRAWINGS]), help="Text, unless the name of --output says otherwise.")
@click.option("--json", "language", flag_value="json", help="The same as --format json.")
@click.option("--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
@click.option("--states", is_flag=True, help="Draw the life of a node instead, as Mermaid.")
@stack_arguments
def command(*, stack: Stack, workflow: str, language: str | None, output: Path | None, states: bool) -> None:
    """Draw what needs what in WORKFLOW, `run` if none is named.

    Example: novaflow graph run --output run.svg
    """
    drawing = draw_states() if states else DRAWINGS[language or choose_language(output)](stack.graph(workflow))
    if output is None:
        click.echo(drawing, nl=False)
        return
    try:
        output.write_text(drawing)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from error


def choose_language(output: Path | None) -> str:
    """Return the language that a file's name asks for; text, if it does not."""
    ending = output.suffix.removeprefix(".") if output else ""
    return {"mmd": "mermaid", "gv": "dot"}.get(ending, ending if ending in DRAWINGS else "text")
