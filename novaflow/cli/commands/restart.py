"""`restart`: restarts a service."""

from functools import partial

import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.progress import run_with_progress
from novaflow.cli.shell_completion import complete_service
from novaflow.runtime.service_control import ServiceCommand, control_services
from novaflow.runtime.stack import Stack


@click.command("restart")
@click.argument("name", shell_complete=complete_service)
@stack_arguments
def command(*, stack: Stack, name: str) -> None:
    """Restart a service and wait until it is ready.

    NAME is a service, a component, or the name that nova.sh had for it.

    Example: sudo novaflow restart compute
    """
    run_with_progress(partial(control_services, stack, ServiceCommand.RESTART, name))
