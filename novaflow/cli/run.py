"""`run`: all services with fresh databases; attached, detached, or until the cloud is ready."""

import sys
from functools import partial

import anyio
import click

from novaflow.adapters.control import Control
from novaflow.adapters.lock import StackLock, is_locked
from novaflow.adapters.progress import Progress
from novaflow.cli.conduct import conducting
from novaflow.cli.launch import Until, launch
from novaflow.cli.machine import force_option, require_machine, require_met, require_ports
from novaflow.cli.stack import Stack, stack_arguments
from novaflow.cli.status import LIVING, read_status
from novaflow.cli.sweep import sweep_crashed
from novaflow.cli.view import View
from novaflow.errors import UsageError


@click.command("run")
@click.option("--wait-ready", is_flag=True, help="Run detached; return when the cloud is ready to boot a server.")
@click.option("--detach", is_flag=True, help="Run detached; return when every service has been started.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Seconds to wait at most; then the exit code is 4.",
)
@click.option("--keep", is_flag=True, help="Leave it running when you leave.")
@force_option
@stack_arguments
def command(  # noqa: PLR0913 - every option is one
    *, stack: Stack, wait_ready: bool, detach: bool, timeout_s: float | None, keep: bool, force: bool
) -> None:
    """Run all services with fresh databases; attached until `q` or Ctrl-C, which stops everything.

    On a terminal all services are shown with their state and what they use, and the log of the one that is selected; keys
    restart and stop it, filter and search. Elsewhere what happens is a line.

    Example: sudo novaflow run --wait-ready --timeout 300
    """
    until = Until.READY if wait_ready else Until.LAUNCHED if detach else Until.LEFT if keep else Until.OVER
    require_machine(stack, force=force)
    refuse_if_up(stack)
    lock = StackLock(stack.paths.lock, "run")
    run(stack, lock, until, timeout_s)


def run(stack: Stack, lock: StackLock, until: Until, timeout_s: float | None) -> None:
    """Bring the stack up under the lock, which the supervisor takes over; what a crash left of it is removed before.

    Raises: UsageError, if it is not installed; PortTaken; RunError; NotReady; Interrupted.
    """
    require_met(stack, "run")
    if read_status(stack).state in LIVING:
        with Progress(sys.stdout) as progress:
            anyio.run(_clear, stack, progress)
    require_ports(stack, "run")
    is_watched = until in {Until.OVER, Until.LEFT} and sys.stdin.isatty() and sys.stdout.isatty()
    with View(stack) if is_watched else Progress(sys.stdout) as shown:
        anyio.run(partial(launch, stack, lock, shown, until=until, timeout_s=timeout_s))
    if until is Until.LEFT:
        click.echo(f"{stack.name} goes on; `novaflow status` shows it, `novaflow clean` ends it")


async def _clear(stack: Stack, progress: Progress) -> None:
    """Remove what is left of a stack whose supervisor is gone without a word: its namespaces would be nobody's after this run."""
    async with conducting(stack, [progress.show], progress.note) as conductor:
        await sweep_crashed(conductor)


def refuse_if_up(stack: Stack) -> None:
    """Return if no supervisor holds the stack.

    Raises: UsageError, saying how it is and what to do.
    """
    if is_locked(stack.paths.lock) and (status := anyio.run(Control(stack.paths.control).status)):
        message = f"{stack.name} is {status['state']} since {status['since']}; `novaflow clean` ends it, `novaflow up` keeps it"
        raise UsageError(message)
