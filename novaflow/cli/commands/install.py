"""`install`: installs what the stack needs."""

from functools import partial
from pathlib import Path

import click

from novaflow.cli.arguments import bundle_option, stack_arguments
from novaflow.cli.progress import run_with_progress
from novaflow.runtime.installer import install_stack
from novaflow.runtime.stack import Stack


@click.command("install")
@bundle_option
@stack_arguments
def command(*, stack: Stack, bundle: Path | None) -> None:
    """Install everything the stack needs on this machine. What is installed already is skipped.

    Example: sudo novaflow install
    """
    if not run_with_progress(partial(install_stack, stack, bundle=bundle)):
        click.echo(f"{stack.name} is up: everything it needs is installed")
