"""`terminate`: deletes all servers and volumes of the stack that is up; the services stay up."""

import click

from novaflow.runtime.run_in_supervisor import run_in_supervisor
from novaflow.runtime.stack import Stack, stack_arguments


@click.command("terminate")
@stack_arguments
def command(stack: Stack) -> None:
    """Delete all servers and volumes, whoever they belong to; the services stay up.

    What will not go is named with its id, and the exit code is 3; all the rest is deleted.

    Example: sudo novaflow terminate
    """
    run_in_supervisor(stack, "terminate")
