"""`up`: brings a stack up from any state."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
import click

from novaflow.cli.arguments import bundle_option, force_option, stack_arguments, timeout_option, yes_option
from novaflow.cli.losses import confirm_losses
from novaflow.cli.next_steps import print_next_steps
from novaflow.cli.progress import open_display, run_with_progress
from novaflow.runtime.launcher import RunOptions, WaitFor, become_supervisor, launch
from novaflow.runtime.stack import Stack
from novaflow.runtime.startup import find_resumable, lock_for_run, lock_for_up, prepare_up, repair


@click.command("up")
@timeout_option("The longest time to wait for readiness, not counting the installation; the exit code is 4 when it is over.")
@click.option("--fresh", is_flag=True, help="Start with an empty cloud; servers and volumes of earlier runs are deleted.")
@click.option(
    "--foreground", is_flag=True, help="Run the supervisor in the foreground, and report readiness to a service manager such as systemd."
)
@bundle_option
@yes_option
@force_option
@stack_arguments
def command(  # noqa: PLR0913 - options
    *, stack: Stack, timeout_s: float | None, fresh: bool, foreground: bool, bundle: Path | None, yes: bool, force: bool
) -> None:
    """Install what is missing, start all services, and wait until the cloud is ready to boot a server.

    It is the same cloud as before, with its servers, volumes, images and networks. On a degraded stack the command starts the
    services that are down. After a crash of the supervisor it adopts the services that still run.

    Example: sudo novaflow up
    """
    if foreground and timeout_s is not None:
        raise click.UsageError("--timeout cannot be used with --foreground, which does not wait for readiness")
    if not foreground and not fresh and run_with_progress(partial(repair, stack, timeout_s=timeout_s)):
        return
    start = _become_supervisor if foreground else _launch
    prepare = partial(_prepare, bundle=bundle, yes=yes)
    start(stack, find_resumable(stack, RunOptions(WaitFor.READY, timeout_s, fresh=fresh)), prepare, force=force)


def _become_supervisor(stack: Stack, options: RunOptions, prepare: Callable[[Stack, RunOptions], None], *, force: bool) -> None:
    with anyio.run(partial(lock_for_run, stack, force=force)) as lock:
        prepare(stack, options)
        become_supervisor(stack, lock, options)


def _launch(stack: Stack, options: RunOptions, prepare: Callable[[Stack, RunOptions], None], *, force: bool) -> None:
    lock = anyio.run(partial(lock_for_up, stack, force=force, fresh=options.fresh))
    if lock is None:
        click.echo(f"{stack.name} is already up; `novaflow status` shows it")
        return
    with lock:
        prepare(stack, options)
        with open_display(stack, options) as display:
            anyio.run(launch, stack, lock, options, display)
    print_next_steps(stack)


def _prepare(stack: Stack, options: RunOptions, *, bundle: Path | None, yes: bool) -> None:
    if options.fresh:
        confirm_losses(stack, yes=yes)
    run_with_progress(partial(prepare_up, stack, options, bundle=bundle))
