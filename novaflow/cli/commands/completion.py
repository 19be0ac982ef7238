"""`completion`: prints the completion script of a shell."""

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from novaflow.cli.main import novaflow

SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
PROGRAM = "novaflow"


@click.command("completion")
@click.argument("shell", type=click.Choice([*SHELLS]))
def command(shell: str) -> None:
    """Print a script that makes SHELL complete commands, options and names.

    Example: echo 'eval "$(novaflow completion bash)"' >>~/.bashrc
    """
    completion = SHELLS[shell](novaflow, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE")
    # Not `source()`, which requires the shell to be installed.
    click.echo(completion.source_template % completion.source_vars())
