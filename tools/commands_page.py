"""The reference of commands, written from the command line itself."""

import inspect
from collections.abc import Iterator

import click

from novaflow.cli.main import ALIASES, COMMANDS, novaflow
from tools.markdown import GENERATED, escape, table

_HEAD = """\
# Commands

`novaflow COMMAND [ARGS] [DIR]`. DIR is the folder of the stack, `nova` if none is named. Options may stand before or after the
arguments. In a checkout, `./nova.sh COMMAND` takes the same arguments; it first creates the virtual environment of novaflow.

`novaflow help COMMAND`, or the option `-h`, shows the text of one command. [Exit codes](exit-codes.md) are the same for all commands.
"""
_COMMON = "overrides"  # the option that nearly every command has


def page() -> str:
    """Return the page: a table of all commands, then one section each."""
    context = click.Context(novaflow, info_name="novaflow")
    commands = {name: command for name in novaflow.list_commands(context) if (command := novaflow.get_command(context, name))}
    summaries = [(f"[`{name}`](#{name})", escape(COMMANDS[name])) for name in commands]
    aliases = [(f"`{alias}`", f"`{' '.join(words)}`") for alias, words in ALIASES.items()]
    lines = [GENERATED, _HEAD, *table(("command", "purpose"), summaries), *table(("alias", "stands for"), aliases)]
    return "\n".join([*lines, *_common_options(commands["up"]), *(line for item in commands.items() for line in _section(*item))])


def _common_options(command: click.Command) -> Iterator[str]:
    yield "## Options of nearly every command\n"
    yield from (_describe(option) for option in find_options(command) if option.name == _COMMON)
    yield ""


def _section(name: str, command: click.Command) -> Iterator[str]:
    usage = command.collect_usage_pieces(click.Context(command, info_name=name))
    yield f"## {name}\n\n`novaflow {name} {' '.join(usage)}`\n"
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        before, is_example, words = paragraph.partition("Example: ")
        yield f"Example: `{words}`\n" if is_example and not before else f"{escape(paragraph)}\n"
    if options := [_describe(option) for option in find_options(command) if option.name != _COMMON]:
        yield from (*options, "")


def find_options(command: click.Command) -> Iterator[click.Option]:
    """Return the options that the help of a command shows."""
    return (param for param in command.params if isinstance(param, click.Option) and not param.hidden)


def _describe(option: click.Option) -> str:
    record = option.get_help_record(click.Context(click.Command("")))
    flags, text = record or ("", "")
    return f"* `{flags}`: {escape(text)}"
