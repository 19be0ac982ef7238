"""`run`: all services with fresh databases; attached, detached, or until the cloud is ready."""

import sys

import anyio
import click

from novaflow.adapters.control.client import Control
from novaflow.adapters.storage.lock import StackLock, is_locked
from novaflow.adapters.terminal.progress import Progress
from novaflow.cli.commands.install import run_in_foreground
from novaflow.cli.commands.status import LIVING, read_status
from novaflow.errors import UsageError
from novaflow.runtime.cleanup import clean_up_crashed
from novaflow.runtime.dashboard_controller import DashboardController
from novaflow.runtime.launcher import RunOptions, Until, launch
from novaflow.runtime.orchestrator import open_orchestrator
from novaflow.runtime.preflight import force_option, require_machine, require_met, require_ports
from novaflow.runtime.stack import Stack, stack_arguments

ALL_TESTS = ""  # no selection


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
@click.option("--watch", is_flag=True, help="Restart the services that import a file of the source tree when it changes.")
@click.option(
    "--test",
    "tests",
    is_flag=False,
    flag_value=ALL_TESTS,
    metavar="[SELECTION]",
    help="Before, run the tests of the source tree: a module, class or test, or all. As TEST=1; exit code 3 if one fails.",
)
@click.option("--keep", is_flag=True, help="Leave it running when you leave.")
@force_option
@stack_arguments
def command(  # noqa: PLR0913 - a command's options are what its user may say
    *, stack: Stack, wait_ready: bool, detach: bool, timeout_s: float | None, watch: bool, tests: str | None, keep: bool, force: bool
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
    run(stack, lock, RunOptions(until, timeout_s, watch, tests))


def run(stack: Stack, lock: StackLock, way: RunOptions) -> None:
    """Bring the stack up under the lock, which the supervisor takes over; what a crash left of it is removed before.

    Raises: UsageError, if it is not installed, or there is no tree to watch or to test; PortTaken; RunError, also if a test
    fails; NotReady; Interrupted.
    """
    require_met(stack, "run")
    test = stack.found.workflows.get("test")
    tests = ALL_TESTS if way.tests is None and test is not None and test.before_run(stack.settings) else way.tests
    if tests is not None:
        require_met(stack, "test")
    if way.watch and not stack.paths.source.exists():
        raise UsageError(f"{stack.paths.source} does not exist, and it is what would be watched; fetch it with `novaflow branch`")
    if read_status(stack).state in LIVING:
        with Progress(sys.stdout) as progress:
            anyio.run(_clear, stack, progress)
    require_ports(stack, "run")
    if tests is not None:
        with Progress(sys.stdout) as progress:
            anyio.run(_test, stack, progress, tests)
    is_watched = way.until in {Until.OVER, Until.LEFT} and sys.stdin.isatty() and sys.stdout.isatty()
    with DashboardController(stack) if is_watched else Progress(sys.stdout) as shown:
        anyio.run(launch, stack, lock, shown, way)
    if way.until is Until.LEFT:
        click.echo(f"{stack.name} goes on; `novaflow status` shows it, `novaflow clean` ends it")


async def _clear(stack: Stack, progress: Progress) -> None:
    """Remove what is left of a stack whose supervisor is gone without a word: its namespaces would be nobody's after this run."""
    async with open_orchestrator(stack, [progress.show], progress.note) as orchestrator:
        await clean_up_crashed(orchestrator)


async def _test(stack: Stack, progress: Progress, selection: str) -> None:
    async with open_orchestrator(stack, [progress.show], progress.note, arguments={"tests": selection}) as orchestrator:
        await run_in_foreground(orchestrator, "test")


def refuse_if_up(stack: Stack) -> None:
    """Return if no supervisor holds the stack.

    Raises: UsageError, saying how it is and what to do.
    """
    if is_locked(stack.paths.lock) and (status := anyio.run(Control(stack.paths.control).status)):
        message = f"{stack.name} is {status['state']} since {status['since']}; `novaflow clean` ends it, `novaflow up` keeps it"
        raise UsageError(message)
