"""`up`: brings a stack up from any state."""

from functools import partial

import anyio
import click

from novaflow.cli.arguments import force_option, stack_arguments, timeout_option
from novaflow.cli.next_steps import print_next_steps
from novaflow.cli.output import open_display, run_with_progress
from novaflow.runtime.launcher import RunOptions, WaitFor, launch
from novaflow.runtime.stack import Stack
from novaflow.runtime.startup import find_resumable, heal, lock_for_up, prepare_up


@click.command("up")
@timeout_option("The longest time to wait for readiness, not counting the installation; the exit code is 4 when it is over.")
@force_option
@stack_arguments
def command(*, stack: Stack, timeout_s: float | None, force: bool) -> None:
    """Install what is missing, start all services, and wait until the cloud is ready to boot a server.

    On a degraded stack it starts the services that are down. After a crash of the supervisor it adopts the services that still
    run.

    Example: sudo novaflow up
    """
    if run_with_progress(partial(heal, stack)):
        return
    options = find_resumable(stack, RunOptions(WaitFor.READY, timeout_s))
    lock = anyio.run(partial(lock_for_up, stack, force=force))
    if lock is None:
        click.echo(f"{stack.name} is already up; `novaflow status` shows it")
        return
    with lock:
        run_with_progress(partial(prepare_up, stack, options))
        with open_display(stack, options) as display:
            anyio.run(launch, stack, lock, options, display)
    print_next_steps(stack)
