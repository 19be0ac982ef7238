"""`completion`: what makes a shell complete commands, options, and the names of services, workflows and settings."""

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from novaflow.cli.main import novaflow

SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
CALLED = "novaflow"


@click.command("completion")
@click.argument("shell", type=click.Choice([*SHELLS]))
def command(shell: str) -> None:
    """Print what makes SHELL complete commands, options and names.

    Example: echo 'eval "$(novaflow completion bash)"' >>~/.bashrc
    """
    completion = SHELLS[shell](novaflow, {}, CALLED, f"_{CALLED.upper()}_COMPLETE")
    # Not `source()`, which looks for the shell on this machine.
    click.echo(completion.source_template % completion.source_vars())
