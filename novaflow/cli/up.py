"""`up`: from whatever there is to a cloud that is ready."""

import sys

import anyio
import click

from novaflow.adapters.control import Control
from novaflow.adapters.lock import StackLock, is_locked
from novaflow.adapters.progress import Progress
from novaflow.cli.install import install
from novaflow.cli.launch import Until
from novaflow.cli.machine import require_machine
from novaflow.cli.run import refuse_if_up, run
from novaflow.cli.stack import Stack, stack_arguments


@click.command("up")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0, min_open=True), metavar="S", help="Seconds to wait for readiness at most, installing not counted.")
@stack_arguments
def command(stack: Stack, timeout_s: float | None) -> None:
    """Install what is missing, run all services, and wait until the cloud is ready to boot a server.

    Example: sudo novaflow up
    """
    if is_up(stack):
        click.echo(f"{stack.name} is up already; `novaflow status` shows it")
        return
    require_machine(stack)
    refuse_if_up(stack)
    lock = StackLock(stack.paths.lock, "up")
    with Progress(sys.stdout) as progress:
        anyio.run(install, stack, progress)
    run(stack, lock, Until.READY, timeout_s)
    say_what_now(stack)


def is_up(stack: Stack) -> bool:
    """Return whether the stack is ready."""
    if not is_locked(stack.paths.lock):
        return False
    status = anyio.run(Control(stack.paths.control).status)
    return status is not None and status["state"] == "ready"


def say_what_now(stack: Stack) -> None:
    """Tell a newcomer what to type next."""
    folder = "" if stack.name == "nova" else f" {stack.paths.root}"
    click.echo(f"\n  novaflow status{folder}      what runs\n  novaflow verify{folder}      boot a server, ping it, delete it\n  novaflow clean{folder}       end it all\n")
    clouds = stack.paths.credentials / "clouds.yaml"
    if clouds.exists():
        click.echo(f"  export OS_CLIENT_CONFIG_FILE={clouds} OS_CLOUD=novaflow\n")
