"""What to type after `up`, and after a failure."""

import shlex
import shutil
from pathlib import Path

import click

from novaflow.cli.main import COMMANDS
from novaflow.runtime.stack import Stack


def print_next_steps(stack: Stack) -> None:
    """Print the commands that a new user needs next, and how OpenStack's own clients find the cloud."""
    width = len(_line_of("status", stack)) + 4
    click.echo()
    for command in ("status", "verify", "clean"):
        click.echo(f"  {_line_of(command, stack):<{width}}{COMMANDS[command]}")
    clouds = stack.paths.credentials / "clouds.yaml"
    if clouds.exists():
        click.echo(f"\n  export OS_CLIENT_CONFIG_FILE={clouds} OS_CLOUD=novaflow")


def describe_inquiry(stack: Stack, node: str) -> str:
    """Return the command that shows why a step or a service has failed, with its purpose."""
    return f"\n  {_line_of(f'explain {node}', stack)}    shows what it waits for, its log and how it failed"


def _line_of(command: str, stack: Stack) -> str:
    folder = "" if stack.paths.root == _current_folder() / "nova" else f" {shlex.quote(str(stack.paths.root))}"
    return f"{find_program()} {command}{folder}"


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
