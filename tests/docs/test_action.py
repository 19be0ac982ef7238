"""The action for forges."""

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml  # type: ignore[import-untyped]

from novaflow.cli.main import novaflow

ACTION = yaml.safe_load((Path(__file__).parents[2] / "action.yml").read_text())
LINES = [line for step in ACTION["runs"]["steps"] for line in step.get("run", "").splitlines() if "nova.sh" in line]


def test_each_step_is_complete() -> None:
    """Steps of a composite action need a shell. Inputs that are used are declared, and the others would be ignored."""
    assert ACTION["runs"]["using"] == "composite"
    assert all({"uses"} <= set(step) or {"run", "shell"} <= set(step) for step in ACTION["runs"]["steps"])
    assert set(re.findall(r"inputs\.(\w+)", str(ACTION))) == set(ACTION["inputs"])


@pytest.mark.parametrize("line", LINES)
def test_each_command_has_the_options_that_it_is_given(line: str) -> None:
    """Its arguments are accepted by the parser of the command."""
    words = shlex.split(re.sub(r"\$\{\{.*?\}\}|\$BUNDLE", "x", line))
    _, name, *arguments = words[words.index("x/nova.sh") :]
    command = novaflow.get_command(click.Context(novaflow), name)
    assert command is not None
    given, left, _ = command.make_parser(click.Context(command)).parse_args([word for word in arguments if word != "x"])
    assert given
    assert left == []


def test_the_cloud_is_started_and_bundled() -> None:
    """These are the commands."""
    assert [re.findall(r"nova\.sh' (\w+)", line) for line in LINES] == [["up"], ["bundle"]]
