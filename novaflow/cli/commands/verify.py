"""`verify`: boots a server, pings it and deletes it."""

from functools import partial

import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.progress import run_with_progress
from novaflow.runtime.run_in_supervisor import run_in_supervisor
from novaflow.runtime.stack import Stack


@click.command("verify")
@click.option("--full", is_flag=True, help="Also use a disk image, the console, ssh, a volume, the EC2 API and the object store.")
@stack_arguments
def command(*, stack: Stack, full: bool) -> None:
    """Boot a server, ping it, and delete it. The exit code is 3 if any of it fails.

    Example: sudo novaflow verify --full
    """
    run_with_progress(partial(run_in_supervisor, stack, "verify-full" if full else "verify"))
