"""What `help` and `--help` say of each command."""

import click
import pytest
from click.testing import CliRunner

from novaflow.cli.main import COMMANDS, novaflow

PRINTS = ("config", "doctor", "events", "graph", "scrub", "status", "timings")  # a list or a state


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_an_example(name: str) -> None:
    """One that can be typed: it begins with the program's name, and names the command."""
    said = CliRunner().invoke(novaflow, ["help", name]).output
    example = said.partition("Example: ")[2].partition("\n")[0]
    assert "novaflow" in example
    assert name in example


@pytest.mark.parametrize("name", PRINTS)
def test_what_prints_a_list_or_a_state_has_json(name: str) -> None:
    """For programs, under one name everywhere."""
    command = novaflow.get_command(click.Context(novaflow), name)
    assert command is not None
    assert "--json" in [option for parameter in command.params for option in parameter.opts]
