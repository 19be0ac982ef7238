"""`status`: shows the state of all services."""

import sys

import anyio
import click

from novaflow.adapters.terminal import print_status
from novaflow.cli.arguments import shared_stack_arguments
from novaflow.cli.output import print_json
from novaflow.runtime.stack import Stack
from novaflow.runtime.status import query_status
from novaflow.runtime.status_report import EXIT_CODES


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_stack_arguments
def command(*, stack: Stack, as_json: bool) -> None:
    """Show the state of all services.

    The exit code is 0 if the stack is ready, 3 if it is degraded or failed, 4 if it is starting, 6 if it is stopping or stopped.

    Example: sudo novaflow status --json
    """
    status = anyio.run(query_status, stack)
    if as_json:
        print_json(status)
    else:
        print_status(status, sys.stdout)
    sys.exit(EXIT_CODES[status["state"]])
