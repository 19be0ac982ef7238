"""`stop`: stops a service."""

from functools import partial

import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.progress import run_with_progress
from novaflow.cli.shell_completion import complete_service
from novaflow.runtime.service_control import ServiceCommand, control_services
from novaflow.runtime.stack import Stack


@click.command("stop")
@click.argument("name", shell_complete=complete_service)
@stack_arguments
def command(*, stack: Stack, name: str) -> None:
    """Stop a service. Services that need it become unready; the others keep running.

    NAME is a service, a component, or the name that nova.sh had for it.

    Example: sudo novaflow stop nova-conductor
    """
    run_with_progress(partial(control_services, stack, ServiceCommand.STOP, name))
