"""Actions whose progress is shown on the terminal; apart from ``output``, because short commands show none."""

import sys
from collections.abc import Awaitable, Callable
from typing import TextIO, TypeVar

import anyio

from novaflow.adapters.terminal import Progress
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
