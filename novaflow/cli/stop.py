"""`stop`: one service of a stack that is up, while the others go on."""

import click

from novaflow.cli.handle import handle
from novaflow.cli.names import complete_service
from novaflow.cli.stack import Stack, stack_arguments
from novaflow.plan.plan import Verb


@click.command("stop")
@click.argument("name", shell_complete=complete_service)
@stack_arguments
def command(*, stack: Stack, name: str) -> None:
    """Stop a service; what needs it says so, the rest stays up.

    NAME is a service, a component, or one of nova.sh's names.

    Example: sudo novaflow stop nova-conductor
    """
    handle(stack, Verb.STOP, name)
