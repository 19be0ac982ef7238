"""`run`: starts all services with fresh databases."""

from functools import partial

import anyio
import click

from novaflow.cli.arguments import force_option, stack_arguments, timeout_option, yes_option
from novaflow.cli.losses import confirm_losses
from novaflow.cli.progress import open_display, run_with_progress
from novaflow.runtime.launcher import RunOptions, WaitFor, launch
from novaflow.runtime.stack import Stack
from novaflow.runtime.startup import lock_for_run, prepare_run

ALL_TESTS = ""  # no selection


@click.command("run")
@click.option("--wait-ready", is_flag=True, help="Run detached; return when the cloud is ready to boot a server.")
@click.option("--detach", is_flag=True, help="Run detached; return when every service has been started.")
@timeout_option("The longest time to wait; the exit code is 4 when it is over.")
@click.option("--watch", is_flag=True, help="When a file of the source tree changes, restart the services that import it.")
@click.option(
    "--test",
    "tests",
    is_flag=False,
    flag_value=ALL_TESTS,
    metavar="[SELECTION]",
    help="First run the tests of the source tree, as TEST=1 does: a module, class or test, or all. The exit code is 3 if one fails.",
)
@click.option("--keep", is_flag=True, help="Keep the stack running when you leave.")
@yes_option
@force_option
@stack_arguments
def command(  # noqa: PLR0913 - one argument for each option
    *,
    stack: Stack,
    wait_ready: bool,
    detach: bool,
    timeout_s: float | None,
    watch: bool,
    tests: str | None,
    keep: bool,
    yes: bool,
    force: bool,
) -> None:
    """Start all services with fresh databases, attached: `q` or Ctrl-C stops everything.

    The servers and volumes of earlier runs are deleted: the command counts them and asks first. `novaflow up` keeps them.

    On a terminal, a dashboard shows the state and resource usage of all services and the log of the selected one. Keys restart and
    stop it, show events and what it needs, filter and search; `?` lists them. Elsewhere, events are printed as lines.

    Example: sudo novaflow run --wait-ready --timeout 300
    """
    wait_for = WaitFor.READY if wait_ready else WaitFor.SERVICES_STARTED if detach else WaitFor.DETACHED if keep else WaitFor.STOPPED
    options = RunOptions(wait_for, timeout_s, watch, tests, fresh=True)
    with anyio.run(partial(lock_for_run, stack, force=force)) as lock:
        confirm_losses(stack, yes=yes)
        run_with_progress(partial(prepare_run, stack, options))
        with open_display(stack, options) as display:
            anyio.run(launch, stack, lock, options, display)
    if wait_for is WaitFor.DETACHED:
        click.echo(f"{stack.name} keeps running; `novaflow status` shows it, `novaflow clean` stops it")
