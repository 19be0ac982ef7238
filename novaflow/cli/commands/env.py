"""`env`: shell exports of settings and credentials."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from novaflow.errors import UsageError
from novaflow.model.settings import Settings
from novaflow.runtime.stack import Stack, stack_arguments
from novaflow.settings.texts import write_texts


@click.command("env")
@stack_arguments
def command(*, stack: Stack) -> None:
    """Print shell exports of settings and credentials, passwords included.

    Example: eval "$(novaflow env)"
    """
    for line in (*export_settings(stack.settings), *export_credentials(stack.paths.credentials / "openrc")):
        click.echo(line)


def export_settings(settings: Settings) -> Iterator[str]:
    """Yield an export for each setting; an empty one, where nothing was chosen, takes back what another stack's set."""
    for name, text in write_texts(settings).items():
        yield f"export {name}={shlex.quote(text)}"


def export_credentials(openrc: Path) -> Iterator[str]:
    """Yield the exports an openrc file holds, quoted anew; nothing if there is no such file yet.

    Raises: UsageError, if it cannot be read.
    """
    try:
        lines = [shlex.split(line, comments=True) for line in openrc.read_text().splitlines()]
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{openrc} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{openrc} is not what novaflow wrote: {error}") from error
    for line in lines:
        match line:
            case ["export", *assignments]:
                for name, _, text in (word.partition("=") for word in assignments):
                    yield f"export {name}={shlex.quote(text)}"
