"""`novaflow graph`: which language is drawn in."""

from pathlib import Path

import pytest

from novaflow.cli.graph import choose_language


@pytest.mark.parametrize(
    ("name", "language"),
    [("run.svg", "svg"), ("run.dot", "dot"), ("run.gv", "dot"), ("run.mmd", "mermaid"), ("run.txt", "text"), ("run", "text")],
)
def test_a_files_name_says_the_language(name: str, language: str) -> None:
    """The ending of --output is enough."""
    assert choose_language(Path(name)) == language


def test_text_is_for_terminals() -> None:
    """Without a file, text."""
    assert choose_language(None) == "text"
