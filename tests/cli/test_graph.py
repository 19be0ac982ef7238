"""`novaflow graph`: the dependency graph of a workflow."""

import json
from pathlib import Path

import pytest

from novaflow.render import DRAWINGS, find_format
from tests.support.toy_stack import Novaflow, ToyStack

BEGINNINGS = {"text": "run", "mermaid": "flowchart", "dot": "digraph", "svg": "<svg ", "json": "{"}


@pytest.mark.parametrize(
    ("name", "format_name"),
    [("run.svg", "svg"), ("run.dot", "dot"), ("run.gv", "dot"), ("run.mmd", "mermaid"), ("run.txt", "text"), ("run", "text")],
)
def test_the_name_of_a_file_determines_the_format(name: str, format_name: str) -> None:
    """An unknown suffix means text."""
    assert find_format(Path(name)) == format_name


def test_without_a_file_the_format_is_text() -> None:
    """Text is for terminals."""
    assert find_format(None) == "text"


def test_the_graph_of_run_is_the_default(novaflow: Novaflow) -> None:
    """Without arguments, text of the workflow `run` is printed."""
    ended = novaflow("graph")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-3:] == ["  1 ○ toy.create", "", "  2 ○ toy.use    ← toy.create"]


@pytest.mark.parametrize("format_name", DRAWINGS)
def test_each_format_can_be_printed(novaflow: Novaflow, format_name: str) -> None:
    """The drawing names every node."""
    ended = novaflow("graph", "run", "--format", format_name)
    assert ended.code == 0
    assert ended.out.lstrip().startswith(BEGINNINGS[format_name])
    assert "create" in ended.out
    assert "use" in ended.out


def test_json_is_an_object(novaflow: Novaflow) -> None:
    """--json is --format json."""
    ended = novaflow("graph", "--json")
    assert ended.out == novaflow("graph", "--format", "json").out
    assert json.loads(ended.out)["workflow"] == "run"


def test_a_graph_is_written_to_a_file(novaflow: Novaflow, tmp_path: Path) -> None:
    """With --output, nothing is printed."""
    assert novaflow("graph", "run", "--output", str(tmp_path / "run.svg")).out == ""
    assert (tmp_path / "run.svg").read_text().startswith("<svg ")


def test_the_format_option_overrides_the_name_of_the_file(novaflow: Novaflow, tmp_path: Path) -> None:
    """A file may have any name."""
    novaflow("graph", "run", "--format", "dot", "--output", str(tmp_path / "run.txt"))
    assert (tmp_path / "run.txt").read_text().startswith("digraph")


def test_a_file_that_cannot_be_written_is_named(novaflow: Novaflow, tmp_path: Path) -> None:
    """The message has the file and the reason."""
    ended = novaflow("graph", "run", "--output", str(tmp_path / "nowhere/run.svg"))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith("nowhere/run.svg cannot be written: No such file or directory\n")


def test_the_states_of_a_node_are_printed(novaflow: Novaflow) -> None:
    """--states draws the table of transitions."""
    assert novaflow("graph", "--states").out.startswith("stateDiagram-v2")


def test_an_unknown_workflow_is_refused(novaflow: Novaflow, toy: ToyStack) -> None:
    """The message lists the workflows."""
    toy.add_workflow("clean")
    ended = novaflow("graph", "rnu")
    assert (ended.code, ended.out, ended.err) == (2, "", "novaflow: there is no workflow 'rnu'; there are: clean, run\n")


def test_a_folder_instead_of_a_workflow_is_explained(novaflow: Novaflow, toy: ToyStack) -> None:
    """The message says that DIR is the second argument."""
    assert novaflow("graph", str(toy.root)).err.endswith("; there are: run; DIR is the argument after it\n")


def test_an_unknown_format_is_refused(novaflow: Novaflow) -> None:
    """The message lists the formats."""
    ended = novaflow("graph", "--format", "png")
    assert ended.code == 2
    assert "'text', 'mermaid', 'dot', 'svg', 'json'" in ended.err


def test_a_cycle_is_refused(novaflow: Novaflow, toy: ToyStack) -> None:
    """The message has the nodes of the cycle, in order."""
    toy.write(
        "components/toy.py",
        """
from novaflow.model.component import Component
from novaflow.model.step import Step


async def nothing(_):
    pass


COMPONENT = Component("toy", "A toy.", {"run": (Step("a", nothing, 1, needs=("toy.b",)), Step("b", nothing, 1, needs=("toy.a",)))})
""",
    )
    ended = novaflow("graph")
    assert (ended.code, ended.out) == (2, "")
    assert "toy.a -> toy.b -> toy.a" in ended.err
