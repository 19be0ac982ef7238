"""Output on the terminal."""

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TextIO, TypeVar

import anyio
import click

from novaflow.adapters.terminal import Progress
from novaflow.errors import UsageError
from novaflow.runtime.dashboard_controller import DashboardController
from novaflow.runtime.display import Display
from novaflow.runtime.launcher import ATTACHED, RunOptions
from novaflow.runtime.stack import Stack

T = TypeVar("T")


def run_with_progress(action: Callable[[Display], Awaitable[T]], stream: TextIO | None = None) -> T:
    """Run an action to its end while its events are shown on ``stream``, by default on standard output."""
    with Progress(stream or sys.stdout) as progress:
        return anyio.run(action, progress)


def open_display(stack: Stack, options: RunOptions) -> DashboardController | Progress:
    """Return what shows the events of a stack that is launched: a dashboard if the command is attached and runs on a terminal."""
    has_dashboard = options.wait_for in ATTACHED and sys.stdin.isatty() and sys.stdout.isatty()
    return DashboardController(stack) if has_dashboard else Progress(sys.stdout)


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
