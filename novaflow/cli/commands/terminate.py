"""`terminate`: deletes all servers and volumes of the stack."""

from functools import partial

import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.progress import run_with_progress
from novaflow.runtime.run_in_supervisor import run_in_supervisor
from novaflow.runtime.stack import Stack


@click.command("terminate")
@stack_arguments
def command(stack: Stack) -> None:
    """Delete all servers and volumes of all projects. The services keep running.

    The exit code is 3 if some cannot be deleted; the message names each with its id.

    Example: sudo novaflow terminate
    """
    run_with_progress(partial(run_in_supervisor, stack, "terminate"))
