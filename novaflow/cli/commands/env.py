"""`env`: prints settings and credentials as shell exports."""

import click

from novaflow.cli.arguments import stack_arguments
from novaflow.runtime.settings_report import export_credentials, export_settings
from novaflow.runtime.stack import Stack


@click.command("env")
@stack_arguments
def command(*, stack: Stack) -> None:
    """Print settings and credentials as shell exports, passwords included.

    Example: eval "$(novaflow env)"
    """
    for line in (*export_settings(stack.settings), *export_credentials(stack.paths.credentials / "openrc")):
        click.echo(line)
