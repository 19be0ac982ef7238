"""`up`: from whatever there is to a cloud that is ready."""

import shutil
import sys
from pathlib import Path

import anyio
import click

from novaflow.adapters.storage.lock import StackLock
from novaflow.adapters.terminal.progress import Progress
from novaflow.cli.commands.install import install
from novaflow.cli.commands.run import refuse_if_up, run
from novaflow.cli.commands.status import is_up
from novaflow.cli.main import COMMANDS
from novaflow.runtime.launcher import RunOptions, Until
from novaflow.runtime.preflight import force_option, require_machine
from novaflow.runtime.stack import Stack, stack_arguments


@click.command("up")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Seconds to wait for readiness at most, installing not counted.",
)
@force_option
@stack_arguments
def command(*, stack: Stack, timeout_s: float | None, force: bool) -> None:
    """Install what is missing, run all services, and wait until the cloud is ready to boot a server.

    Example: sudo novaflow up
    """
    if is_up(stack):
        click.echo(f"{stack.name} is up already; `novaflow status` shows it")
        return
    require_machine(stack, force=force)
    refuse_if_up(stack)
    lock = StackLock(stack.paths.lock, "up")
    with Progress(sys.stdout) as progress:
        anyio.run(install, stack, progress)
    run(stack, lock, RunOptions(Until.READY, timeout_s))
    say_what_now(stack)


def say_what_now(stack: Stack) -> None:
    """Tell a newcomer what to type next."""
    called, root = called_as(), stack.paths.root
    folder = "" if root == Path.cwd() / "nova" else f" {root}"
    width = len(f"{called} status{folder}") + 4
    click.echo()
    for command in ("status", "verify", "clean"):
        click.echo(f"  {f'{called} {command}{folder}':<{width}}{COMMANDS[command]}")
    clouds = stack.paths.credentials / "clouds.yaml"
    if clouds.exists():
        click.echo(f"\n  export OS_CLIENT_CONFIG_FILE={clouds} OS_CLOUD=novaflow")


def called_as() -> str:
    """Return what a shell knows this program as: its name, or nova.sh beside its package."""
    script = Path(__file__).parents[3] / "nova.sh"
    if shutil.which("novaflow") or not script.exists():
        return "novaflow"
    return f"./{script.name}" if script.parent == Path.cwd() else str(script)
