"""`supervise`: runs the supervisor of a stack; `run` and `up` start it, users do not."""

import faulthandler
import os
import sys
from functools import partial

import anyio
import click

from novaflow.cli.arguments import stack_arguments
from novaflow.logs import log_to
from novaflow.runtime.service_manager import NO_SERVICE_MANAGER, describe_service_manager
from novaflow.runtime.stack import Stack
from novaflow.runtime.supervisor import supervise


@click.command("supervise", hidden=True)
@click.option("--lock", type=int, required=True)
@click.option("--watch", is_flag=True)
@click.option("--resume", is_flag=True)
@click.option("--foreground", is_flag=True)
@click.option("--notify-socket", default="", envvar="NOTIFY_SOCKET")
@click.option("--watchdog-usec", type=int, envvar="WATCHDOG_USEC")
@stack_arguments
def command(  # noqa: PLR0913 - options
    *, stack: Stack, lock: int, watch: bool, resume: bool, foreground: bool, notify_socket: str, watchdog_usec: int | None
) -> None:
    """Run the stack's services until a stop is requested."""
    faulthandler.enable(sys.stderr)  # SIGABRT, which a watchdog sends, shows where a supervisor hangs
    log_to(sys.stderr, as_json=True)
    os.chdir("/")  # the folder of the command may be removed, or contain files that others have written
    # In the background, the variables are those of another service, from which the user has started the stack.
    service_manager = describe_service_manager(notify_socket, watchdog_usec) if foreground else NO_SERVICE_MANAGER
    anyio.run(partial(supervise, stack, lock, service_manager, reload=watch, resume=resume))
