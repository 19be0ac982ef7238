"""The argument DIR and the option ``--set``, which nearly every command has."""

import functools
from collections.abc import Callable
from pathlib import Path

import click

from novaflow.errors import UsageError


def location_arguments(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the arguments ``DIR`` and ``--set``; it is called with ``folder`` and, as a mapping, ``overrides``."""

    @click.argument("folder", metavar="[DIR]", default="nova", type=click.Path(file_okay=False, readable=False, path_type=Path))
    @click.option(
        "--set",
        "overrides",
        metavar="NAME=VALUE",
        multiple=True,
        shell_complete=_complete_setting,
        help="A setting for this command; overrides .env.",
    )
    @functools.wraps(command)
    def split_and_call(folder: Path, overrides: tuple[str, ...], **others: object) -> None:
        command(folder=folder, overrides=dict(_split(text) for text in overrides), **others)

    return split_and_call


def _complete_setting(context: click.Context, parameter: click.Parameter, prefix: str) -> list[str]:
    from novaflow.cli.shell_completion import complete_setting  # noqa: PLC0415 - loads settings, which commands may not need

    return complete_setting(context, parameter, prefix)


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set: expected NAME=VALUE, found {text!r}")
    return name, value
