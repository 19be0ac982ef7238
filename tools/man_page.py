"""The manual page novaflow(1), written from the command line itself. Source: man(7)."""

import inspect
import re
from collections.abc import Iterator
from importlib.metadata import version

import click

from novaflow.cli.main import COMMANDS, novaflow
from tools.commands_page import find_options
from tools.exit_codes_page import exit_codes
from tools.files_page import files

_HEAD = """\
.\\" Written by `python -m tools`.
.TH NOVAFLOW 1 "" "novaflow {version}" "User Commands"
.SH NAME
novaflow \\- OpenStack Nova on one machine, for developers
.SH SYNOPSIS
.B novaflow
.I COMMAND
.RI [ ARGS ]
.RI [ DIR ]
.SH DESCRIPTION"""
_DESCRIPTION = """\
novaflow installs OpenStack Nova and what it needs on this machine, runs it, and removes it again. DIR is the folder of the stack,
`nova` if none is named. Options may stand before or after the arguments. In a checkout, `./nova.sh COMMAND` takes the same arguments.

Settings are variables of the environment, of the file `.env` in the current folder, and of `DIR/.env`; `novaflow config` lists them.
"""
_SEE_ALSO = ".SH SEE ALSO\nThe folder docs of the repository, which also has a page about each setting."
_CODE = re.compile(r"`([^`]*)`")


def page() -> str:
    """Return the page."""
    context = click.Context(novaflow, info_name="novaflow")
    lines = [_HEAD.format(version=version("novaflow")), *_write_paragraphs(_DESCRIPTION), ".SH COMMANDS"]
    for name in COMMANDS:
        if (command := novaflow.get_command(context, name)) is not None:
            lines += _describe_command(name, command)
    lines += [".SH EXIT STATUS", *_list(exit_codes()), ".SH FILES", *_list(files()), _SEE_ALSO]
    return "\n".join(lines) + "\n"


def _describe_command(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    yield f".SS {_escape(' '.join((name, *command.collect_usage_pieces(context))))}"
    yield from _write_paragraphs(inspect.cleandoc(command.help or ""))
    records = (option.get_help_record(context) for option in find_options(command))
    yield from _list((f"`{flags}`", text) for flags, text in filter(None, records))


def _write_paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        yield from (".PP", _escape(paragraph))


def _list(rows: Iterator[tuple[str, str]]) -> Iterator[str]:
    for tag, text in rows:
        yield from (".TP", _escape(tag), _escape(text))


def _escape(text: str) -> str:
    """Return one line that troff shows as it is; what stands between backticks is bold."""
    plain = " ".join(text.replace("``", "`").split()).replace("\\", r"\e").replace("-", r"\-")
    bold = _CODE.sub(r"\\fB\1\\fR", plain)
    return rf"\&{bold}" if bold.startswith((".", "'")) else bold
