"""`logs`: shows the logs of services and steps."""

from functools import partial

import anyio
import click

from novaflow.cli.arguments import shared_stack_arguments
from novaflow.cli.shell_completion import complete_service
from novaflow.render.as_trace import draw_trace
from novaflow.runtime.log_reader import find_logs, write_logs
from novaflow.runtime.request_trace import trace_request
from novaflow.runtime.stack import Stack


@click.command("logs")
@click.argument("name", required=False, shell_complete=complete_service)
@click.option("-f", "--follow", is_flag=True, help="Follow the log output.")
@click.option("--request", metavar="ID", help="Show what all services have logged because of a request, such as req-1f2d….")
@shared_stack_arguments
def command(*, stack: Stack, name: str | None, follow: bool, request: str | None) -> None:
    """Show the log of a service, of a step, or of a component's services; without NAME, of all services.

    Example: sudo novaflow logs nova-compute -f
    """
    if request:
        sources = {path.stem for path in find_logs(stack, name)} if name else None
        for line in draw_trace(trace_request(stack, request, sources)):
            click.echo(line)
        return
    anyio.run(partial(write_logs, find_logs(stack, name), click.echo, follow=follow))
