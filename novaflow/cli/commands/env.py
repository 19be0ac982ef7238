"""`env`: prints credentials as shell exports."""

import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.output import warn
from novaflow.runtime.settings_report import export_credentials, export_proxy_exception
from novaflow.runtime.stack import Stack


@click.command("env")
@stack_arguments
def command(*, stack: Stack) -> None:
    """Print the credentials as shell exports, passwords included.

    The address of the stack is added to `no_proxy`. Settings are not exported: they would apply to every stack.

    Example: eval "$(sudo novaflow env)"
    """
    exports = tuple(export_credentials(stack.paths.credentials / "openrc"))
    for line in exports:
        click.echo(line)
    if exports:
        click.echo(export_proxy_exception(stack.settings), nl=False)
    else:
        warn(f"{stack.name} has no credentials yet; `novaflow up` creates them")
