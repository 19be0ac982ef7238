"""`stop`: one service of a stack that is up, while the others go on."""

import click

from novaflow.cli.shell_completion import complete_service
from novaflow.plan.plan import ServiceCommand
from novaflow.runtime.service_control import handle
from novaflow.runtime.stack import Stack, stack_arguments


@click.command("stop")
@click.argument("name", shell_complete=complete_service)
@stack_arguments
def command(*, stack: Stack, name: str) -> None:
    """Stop a service; what needs it says so, the rest stays up.

    NAME is a service, a component, or one of nova.sh's names.

    Example: sudo novaflow stop nova-conductor
    """
    handle(stack, ServiceCommand.STOP, name)
