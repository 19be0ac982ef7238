"""A question before a command changes what cannot be brought back."""

import sys

import click

from novaflow.errors import UsageError


def confirm(question: str, *, yes: bool, without_terminal: str, declined: str) -> None:
    """Ask the question; with ``yes``, do not ask.

    Raises: UsageError, with one of the two messages, if there is no terminal to ask on, or if the user declines.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(without_terminal)
    if not click.confirm(question):
        raise UsageError(declined)
