"""`trace`: shows everything that happened to a server, from the logs of all services and from events."""

import click

from novaflow.cli.arguments import shared_stack_arguments
from novaflow.cli.output import print_json
from novaflow.render.as_trace import draw_trace
from novaflow.runtime.request_trace import describe_trace, trace_server
from novaflow.runtime.stack import Stack


@click.command("trace")
@click.argument("server")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: the lines, and the times of requests.")
@shared_stack_arguments
def command(*, stack: Stack, server: str, as_json: bool) -> None:
    """Show everything that happened to SERVER, an id or a name, in order, and where the time of its requests went.

    The lines are those of all logs about the server and about the requests that changed it, and its events.

    Example: sudo novaflow trace my-server
    """
    lines = trace_server(stack, server)
    if as_json:
        print_json(describe_trace(lines))
    else:
        for line in draw_trace(lines):
            click.echo(line)
