"""Output on the terminal."""

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TextIO, TypeVar

import anyio
import click

from novaflow.adapters.storage.lock import StackLock
from novaflow.adapters.terminal.progress import Progress
from novaflow.errors import UsageError
from novaflow.runtime.dashboard_controller import DashboardController
from novaflow.runtime.display import Display
from novaflow.runtime.launcher import ATTACHED, RunOptions, launch
from novaflow.runtime.stack import Stack

T = TypeVar("T")


def run_with_progress(action: Callable[[Display], Awaitable[T]], stream: TextIO | None = None) -> T:
    """Run an action to its end while its events are shown on ``stream``, by default on standard output."""
    with Progress(stream or sys.stdout) as progress:
        return anyio.run(action, progress)


def launch_and_show(stack: Stack, lock: StackLock, options: RunOptions) -> None:
    """Launch a stack and show its events: on a dashboard if the command is attached and runs on a terminal.

    Raises: RunError, if the stack does not come up; NotReady, when the time limit is over; Interrupted.
    """
    has_dashboard = options.wait_for in ATTACHED and sys.stdin.isatty() and sys.stdout.isatty()
    with DashboardController(stack) if has_dashboard else Progress(sys.stdout) as display:
        anyio.run(launch, stack, lock, options, display)


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
        path.write_text(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
