"""`env`: prints credentials as shell exports."""

import click

from novaflow.cli.arguments import shared_stack_arguments
from novaflow.cli.output import warn
from novaflow.runtime.settings_report import ADMINISTRATOR, export_credentials, export_proxy_exception, find_openrc
from novaflow.runtime.stack import Stack


@click.command("env")
@click.option("--user", metavar="NAME", default=ADMINISTRATOR, show_default=True, help="Whose credentials; `demo` is an ordinary user.")
@shared_stack_arguments
def command(*, stack: Stack, user: str) -> None:
    """Print the credentials as shell exports, passwords included.

    The address of the stack is added to `no_proxy`. Settings are not exported: they would apply to every stack.

    Example: eval "$(sudo novaflow env --user demo)"
    """
    exports = tuple(export_credentials(find_openrc(stack.paths.credentials, user)))
    for line in exports:
        click.echo(line)
    if exports:
        click.echo(export_proxy_exception(stack.settings, exports), nl=False)
    else:
        warn(f"{stack.name} has no credentials yet; `novaflow up` creates them")
