"""`verify`: boots a server on the stack that is up, pings it, deletes it."""

import click

from novaflow.runtime.run_in_supervisor import run_in_supervisor
from novaflow.runtime.stack import Stack, stack_arguments


@click.command("verify")
@click.option("--full", is_flag=True, help="Use everything the stack has: disk image, console, ssh, volume, EC2, objects.")
@stack_arguments
def command(*, stack: Stack, full: bool) -> None:
    """Boot a server, ping it, delete it; exit code 3 if any of it fails.

    Example: novaflow verify --full
    """
    run_in_supervisor(stack, "verify-full" if full else "verify")
