"""Decisions have numbers without gaps, one form, and an index."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs/adr"
DECISIONS = sorted(path for path in FOLDER.glob("*.md") if path.name != "index.md")
SECTIONS = ["Context", "Considered options", "Decision", "Consequences"]


def test_numbers_have_no_gaps() -> None:
    """The files are numbered 001, 002 and so on."""
    assert [int(path.name[:3]) for path in DECISIONS] == [*range(1, len(DECISIONS) + 1)]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_the_common_form(path: Path) -> None:
    """Number and title, status, date, then the four sections; the index has the same title."""
    text = path.read_text()
    title = re.match(r"# (\d+)\. (.+)\n", text)
    assert title
    assert int(title[1]) == int(path.name[:3])
    assert re.search(r"^\* Status: (accepted|superseded)", text, re.MULTILINE)
    assert re.search(r"^\* Date: \d{4}-\d{2}-\d{2}$", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert f"[{title[2]}]({path.name})" in (FOLDER / "index.md").read_text()
