"""`attach`: the stack's windows, as nova.sh's users had them: one for each service's log, and a shell to try things in."""

import shlex
import sys
from collections.abc import Mapping, Sequence

import anyio
import click

from novaflow.adapters.process.process_ownership import ProcessOwner
from novaflow.adapters.terminal.multiplexer import Multiplexer, find_multiplexer
from novaflow.cli.commands.status import ask_supervisor
from novaflow.cli.shell_completion import complete_service
from novaflow.errors import UsageError
from novaflow.runtime.stack import Stack, stack_arguments
from novaflow.settings import CoreSettings

SHELL = "test"  # the window to try things in
LAST_LINES = "1000"  # of a log that was there before


@click.command("attach")
@click.argument("name", required=False, shell_complete=complete_service)
@stack_arguments
def command(*, stack: Stack, name: str | None) -> None:
    """Show a window for each service's log, and one named `test` whose shell has the credentials, in tmux or GNU screen.

    NAME is the service to begin with. The session is called SCREEN_NAME; one that is there is attached to. `clean` ends it.

    Example: sudo novaflow attach nova-compute
    """
    window = stack.find_services(name)[0] if name else None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("attach needs a terminal; `novaflow logs NAME -f` follows a log anywhere")
    multiplexer = find_multiplexer()
    status = ask_supervisor(stack)
    if status is None:
        raise UsageError(f"{stack.name} is not up; bring it up with `novaflow up`")
    is_new = anyio.run(_open, multiplexer, stack, [service["name"] for service in status["services"]])
    multiplexer.attach(stack.settings.of(CoreSettings).screen_name, window or (SHELL if is_new else None))


async def _open(multiplexer: Multiplexer, stack: Stack, services: Sequence[str]) -> bool:
    """Make the session unless it is there, and return whether it was made."""
    if await multiplexer.has(stack.settings.of(CoreSettings).screen_name):
        return False
    windows = {SHELL: _shell(stack)} | {service: _tail(stack, service) for service in services}
    await multiplexer.open(
        stack.settings.of(CoreSettings).screen_name, windows, has_status_line=stack.settings.of(CoreSettings).screen_status
    )
    return True


def _tail(stack: Stack, service: str) -> Sequence[str]:
    return _marked(stack, "tail", "-n", LAST_LINES, "-F", str(stack.paths.log / f"{service}.log"))


def _shell(stack: Stack) -> Sequence[str]:
    """Return a shell that finds the stack's clients and their credentials; none of them is an argument, which all could read."""
    openrc, programs = (shlex.quote(str(path)) for path in (stack.paths.credentials / "openrc", stack.paths.venv / "bin"))
    script = f'[ ! -e {openrc} ] || . {openrc}; PATH={programs}:$PATH exec "${{SHELL:-/bin/sh}}"'
    return _marked(stack, "sh", "-c", script)


def _marked(stack: Stack, *words: str) -> Sequence[str]:
    """Mark what runs in a window as the stack's: it ends with it, and with the last window the session."""
    marker: Mapping[str, str] = ProcessOwner(stack.paths, "attach").marker
    return ("env", *(f"{name}={value}" for name, value in marker.items()), *words)
