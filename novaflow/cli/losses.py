"""The question before a command deletes servers and volumes."""

from functools import partial

import click

from novaflow.cli.confirmation import confirm
from novaflow.cli.progress import run_with_progress
from novaflow.runtime.fresh_start import find_losses
from novaflow.runtime.stack import Stack


def confirm_losses(stack: Stack, *, yes: bool) -> None:
    """Say what a start with empty data deletes, and ask; with ``yes``, or if nothing is lost, do not ask.

    Raises: UsageError, if the user declines, or if there is no terminal to ask on; and what ``find_losses`` raises.
    """
    losses = run_with_progress(partial(find_losses, stack))
    if not losses:
        return
    click.echo(f"a fresh start of {stack.name} deletes {' and '.join(losses)}")
    confirm(
        "delete them?",
        yes=yes,
        without_terminal="nothing was deleted; add --yes to delete them, or keep them with `novaflow up`",
        declined="nothing was deleted; `novaflow up` starts the stack and keeps them",
    )
