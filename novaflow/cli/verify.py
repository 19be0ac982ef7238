"""`verify`: boots a server on the stack that is up, pings it, deletes it."""

import click

from novaflow.cli.beside import run_beside
from novaflow.cli.stack import Stack, stack_arguments


@click.command("verify")
@stack_arguments
def command(stack: Stack) -> None:
    """Boot a server, ping it, delete it; exit code 3 if any of it fails.

    Example: novaflow verify
    """
    run_beside(stack, "verify")
