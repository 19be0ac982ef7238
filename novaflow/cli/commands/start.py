"""`start`: one service of a stack that is up, while the others go on."""

import click

from novaflow.cli.shell_completion import complete_service
from novaflow.plan.plan import ServiceCommand
from novaflow.runtime.service_control import handle
from novaflow.runtime.stack import Stack, stack_arguments


@click.command("start")
@click.argument("name", shell_complete=complete_service)
@stack_arguments
def command(*, stack: Stack, name: str) -> None:
    """Start a service that is down, and wait until it is ready.

    NAME is a service, a component, or one of nova.sh's names.

    Example: sudo novaflow start compute
    """
    handle(stack, ServiceCommand.START, name)
