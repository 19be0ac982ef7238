"""Output on the terminal."""

import json
from pathlib import Path

import click

from novaflow.errors import UsageError


def print_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=1))


def warn(text: str) -> None:
    """Print a warning to standard error."""
    click.echo(f"novaflow: {text}", err=True)


def write_file(path: Path, text: str) -> None:
    """Write a file that the user named.

    Raises: UsageError, if it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
