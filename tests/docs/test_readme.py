"""The README is short, and what CI relies on is in it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
WORDS = 600


def test_it_has_six_hundred_words_at_most() -> None:
    """Everything counts, also code and transcripts."""
    assert len(README.split()) <= WORDS


def test_it_names_the_command_that_runs_the_tests() -> None:
    """`.ci/run` runs the same command."""
    assert re.search(r"^\./nova\.sh test\b", README, re.MULTILINE)
    assert "./nova.sh test" in (ROOT / ".ci/run").read_text()


def test_its_links_exist() -> None:
    """Each link to a file of the repository names an existing file."""
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []
