"""`novaflow help`, `--help` and the list of commands."""

import inspect
import pkgutil

import click
import pytest

from novaflow.cli import commands
from novaflow.cli.main import ALIASES, COMMANDS, HIDDEN
from novaflow.cli.main import novaflow as group
from tests.support.toy_stack import Novaflow

PRINTS = ("boot", "config", "doctor", "events", "graph", "scrub", "status", "timings")  # a list or a state


def command_named(name: str) -> click.Command:
    """Return the command of that name."""
    command = group.get_command(click.Context(group), name)
    assert command is not None
    return command


def test_every_module_is_a_command() -> None:
    """The list of commands and the modules are the same; only internal commands are hidden."""
    modules = {module.name for module in pkgutil.iter_modules(commands.__path__)}
    assert modules == {*COMMANDS, *HIDDEN}
    assert {name for name in modules if command_named(name).hidden} == {*HIDDEN}


@pytest.mark.parametrize("name", [*COMMANDS, *HIDDEN])
def test_a_command_has_the_name_of_its_module(name: str) -> None:
    """The name that users type finds the module."""
    assert command_named(name).name == name


@pytest.mark.parametrize("name", COMMANDS)
def test_help_and_the_option_print_the_same(novaflow: Novaflow, name: str) -> None:
    """`help NAME` and `NAME --help` show usage, description and options."""
    ended, option = novaflow("help", name), novaflow(name, "--help")
    assert (ended.code, ended.err) == (option.code, option.err) == (0, "")
    assert ended.out == option.out
    assert ended.out.startswith(f"Usage: novaflow {name} ")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_an_example(novaflow: Novaflow, name: str) -> None:
    """The example can be typed: it contains the program and the command."""
    example = novaflow("help", name).out.partition("Example: ")[2].partition("\n")[0]
    assert "novaflow" in example
    assert name in example


@pytest.mark.parametrize("name", COMMANDS)
def test_a_description_is_a_sentence(name: str) -> None:
    """A description begins with a capital letter and ends with a full stop; the summary in the list is a phrase."""
    description = inspect.cleandoc(command_named(name).help or "").partition("\n\n")[0]
    assert description[0].isupper()
    assert description.endswith((".", "."))
    assert COMMANDS[name][0].islower()
    assert not COMMANDS[name].endswith(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_described(name: str) -> None:
    """An option has a help text that is a sentence."""
    options = [parameter for parameter in command_named(name).params if isinstance(parameter, click.Option)]
    texts = {option.opts[-1]: option.help or "" for option in options}
    assert {option: text for option, text in texts.items() if not text or not text[0].isupper()} == {}


@pytest.mark.parametrize("name", PRINTS)
def test_a_list_or_a_state_can_be_printed_as_json(name: str) -> None:
    """The option has the same name in every command."""
    assert "--json" in [option for parameter in command_named(name).params for option in parameter.opts]


def test_all_commands_are_listed(novaflow: Novaflow) -> None:
    """`help`, `--help` and no argument show each command with its summary, and no internal one."""
    ended = novaflow("help")
    assert ended.code == 0
    assert ended.out == novaflow("--help").out == novaflow("-h").out
    listed = dict(line.split(maxsplit=1) for line in ended.out.partition("Commands:\n")[2].splitlines())
    assert {name: " ".join(text.split()) for name, text in listed.items()} == COMMANDS


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_has_the_help_of_its_command(novaflow: Novaflow, alias: str) -> None:
    """The names that nova.sh had still work."""
    assert novaflow("help", alias).out == novaflow("help", "run").out


def test_help_for_an_unknown_command_is_refused(novaflow: Novaflow) -> None:
    """The message has the name, and the exit code is that of a usage error."""
    ended = novaflow("help", "scrbu")
    assert (ended.code, ended.out) == (2, "")
    assert "No such command 'scrbu'" in ended.err


def test_help_needs_no_workflows(novaflow: Novaflow, monkeypatch: pytest.MonkeyPatch) -> None:
    """The help is shown even if the settings are invalid."""
    monkeypatch.setenv("NOVAFLOW_WORKFLOWS", "/nowhere")
    assert novaflow("up", "--help").code == 0
