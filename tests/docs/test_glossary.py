"""The glossary is one short page with the words of the project."""

import re
from pathlib import Path

GLOSSARY = (Path(__file__).parents[2] / "docs/glossary.md").read_text()
WORDS = [
    *("stack", "component", "node", "step", "service", "need", "workflow"),
    *("run", "event", "journal", "probe", "supervisor", "orchestrator", "host"),
]


def test_every_word_has_one_definition() -> None:
    """Each word is defined once, in one to three sentences."""
    entries = re.findall(r"^\| \*\*(\w+)\*\* \| (.+) \|$", GLOSSARY, re.MULTILINE)
    assert [word for word, _ in entries] == WORDS
    assert all(1 <= len(re.findall(r"\.(?:\s|$)", text)) <= 3 for _, text in entries)
