"""What to type after `up`."""

import shutil
from pathlib import Path

import click

from novaflow.cli.main import COMMANDS
from novaflow.runtime.stack import Stack


def print_next_steps(stack: Stack) -> None:
    """Print the commands that a new user needs next, and how OpenStack's own clients find the cloud."""
    program, root = find_program(), stack.paths.root
    folder = "" if root == _current_folder() / "nova" else f" {root}"
    width = len(f"{program} status{folder}") + 4
    click.echo()
    for command in ("status", "verify", "clean"):
        click.echo(f"  {f'{program} {command}{folder}':<{width}}{COMMANDS[command]}")
    clouds = stack.paths.credentials / "clouds.yaml"
    if clouds.exists():
        click.echo(f"\n  export OS_CLIENT_CONFIG_FILE={clouds} OS_CLOUD=novaflow")


def find_program() -> str:
    """Return the command that starts this program in the user's shell: `novaflow` if it is on the path, otherwise nova.sh."""
    script = Path(__file__).parents[2] / "nova.sh"
    if shutil.which("novaflow") or not script.exists():
        return "novaflow"
    return f"./{script.name}" if script.parent == _current_folder() else str(script)


def _current_folder() -> Path:
    """Return the current folder; the root folder if it has been deleted, because no command can be called in it."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path("/")
