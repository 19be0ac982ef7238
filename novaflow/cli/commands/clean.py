"""`clean`: stops everything the stack started."""

from functools import partial

import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.progress import run_with_progress
from novaflow.runtime.shutdown import stop_stack
from novaflow.runtime.stack import Stack


@click.command("clean")
@stack_arguments
def command(stack: Stack) -> None:
    """Stop everything the stack started, in reverse order. The cloud's data is kept for the next `up`.

    Example: sudo novaflow clean
    """
    if not run_with_progress(partial(stop_stack, stack)):
        click.echo(f"there is no stack in {stack.paths.root}")
