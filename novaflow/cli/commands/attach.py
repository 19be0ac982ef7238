"""`attach`: opens a tmux or GNU screen session on the stack."""

import sys

import anyio
import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.shell_completion import complete_service
from novaflow.errors import UsageError
from novaflow.runtime.stack import Stack
from novaflow.runtime.terminal_session import SHELL, TerminalSession


@click.command("attach")
@click.argument("name", required=False, shell_complete=complete_service)
@stack_arguments
def command(*, stack: Stack, name: str | None) -> None:
    """Open a window for each service's log, and one named `test` with a shell that has the credentials, in tmux or GNU screen.

    NAME is the service whose window is shown first. The session is named SCREEN_NAME; an existing session is attached to.
    `clean` ends it.

    Example: sudo novaflow attach nova-compute
    """
    window = stack.find_services(name)[0] if name else None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("attach needs a terminal; `novaflow logs NAME -f` follows a log without one")
    session = TerminalSession(stack)
    is_new = anyio.run(session.open)
    session.attach(window or (SHELL if is_new else None))
