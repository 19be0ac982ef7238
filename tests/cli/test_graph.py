"""`novaflow graph`: which language is drawn in."""

from pathlib import Path

import pytest

from novaflow.errors import UsageError
from novaflow.render import find_format
from tests.support.toys import Novaflow


@pytest.mark.parametrize(
    ("name", "language"),
    [("run.svg", "svg"), ("run.dot", "dot"), ("run.gv", "dot"), ("run.mmd", "mermaid"), ("run.txt", "text"), ("run", "text")],
)
def test_a_files_name_says_the_language(name: str, language: str) -> None:
    """The ending of --output is enough."""
    assert find_format(Path(name)) == language


def test_text_is_for_terminals() -> None:
    """Without a file, text."""
    assert find_format(None) == "text"


def test_a_graph_is_printed(call: Novaflow) -> None:
    """Without options, text on standard output."""
    assert call("graph", "run").output.splitlines()[-3:] == ["  1 ○ toy.create", "", "  2 ○ toy.use    ← toy.create"]


def test_a_graph_is_written(call: Novaflow, tmp_path: Path) -> None:
    """With --output, a file and no words."""
    assert call("graph", "run", "--output", str(tmp_path / "run.svg")).output == ""
    assert (tmp_path / "run.svg").read_text().startswith("<svg ")


def test_a_file_that_cannot_be_written_is_named(call: Novaflow, tmp_path: Path) -> None:
    """The message says which file and why."""
    result = call("graph", "run", "--output", str(tmp_path / "nowhere/run.svg"))
    assert isinstance(result.exception, UsageError)
    assert str(result.exception).endswith("nowhere/run.svg cannot be written: No such file or directory")


def test_the_life_of_a_node_is_printed(call: Novaflow) -> None:
    """--states draws the table of phases."""
    assert call("graph", "run", "--states").output.startswith("stateDiagram-v2")


def test_an_unknown_workflow_is_refused(call: Novaflow) -> None:
    """The message lists what there is."""
    assert str(call("graph", "rnu").exception) == "there is no workflow 'rnu'; there are: run"
