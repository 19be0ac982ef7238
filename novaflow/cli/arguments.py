"""Arguments and options that several commands have."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from novaflow.cli.location import location_arguments
from novaflow.cli.next_steps import describe_inquiry
from novaflow.cli.output import warn
from novaflow.errors import NovaflowError
from novaflow.runtime.stack import Stack, open_stack

yes_option = click.option("--yes", is_flag=True, help="Delete servers and volumes of earlier runs without a question.")
force_option = click.option("--force", is_flag=True, help="Continue despite `doctor` warnings.")

bundle_option = click.option(
    "--from",
    "bundle",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Install from a file of `novaflow bundle` instead of the network.",
)


def timeout_option(summary: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option ``--timeout``, which a command receives as ``timeout_s``."""
    return click.option("--timeout", "timeout_s", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help=summary)


def stack_arguments(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the arguments ``DIR`` and ``--set``; it is called with ``stack`` instead."""
    return _add_arguments(command, for_group=False)


def shared_stack_arguments(command: Callable[..., None]) -> Callable[..., None]:
    """Do the same for a command that members of NOVAFLOW_GROUP may use."""
    return _add_arguments(command, for_group=True)


def _add_arguments(command: Callable[..., None], *, for_group: bool) -> Callable[..., None]:
    @location_arguments
    @functools.wraps(command)
    def open_and_call(folder: Path, overrides: Mapping[str, str], **others: object) -> None:
        stack = open_and_warn(folder, overrides, for_group=for_group)
        try:
            command(stack=stack, **others)
        except NovaflowError as error:
            if error.nodes:
                error.add_note(describe_inquiry(stack, error.nodes[0]))
            raise

    return open_and_call


def open_and_warn(folder: Path, overrides: Mapping[str, str], *, for_group: bool) -> Stack:
    """Return the stack in ``folder``, and print what is to be said about its settings.

    Raises: what ``open_stack`` raises.
    """
    stack = open_stack(folder, overrides, for_group=for_group)
    for note in stack.loaded.notes:
        warn(note)
    return stack
