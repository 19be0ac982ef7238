"""`restart`: one service of a stack that is up, while the others go on."""

import click

from novaflow.cli.shell_completion import complete_service
from novaflow.plan.plan import ServiceCommand
from novaflow.runtime.service_control import handle
from novaflow.runtime.stack import Stack, stack_arguments


@click.command("restart")
@click.argument("name", shell_complete=complete_service)
@stack_arguments
def command(*, stack: Stack, name: str) -> None:
    """Restart a service, and wait until it is ready again.

    NAME is a service, a component, or one of nova.sh's names.

    Example: sudo novaflow restart compute
    """
    handle(stack, ServiceCommand.RESTART, name)
