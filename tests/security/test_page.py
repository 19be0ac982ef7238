"""The page about security lists attacks that are tested."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs/explanation/security.md"


def test_every_attack_of_the_page_has_its_test() -> None:
    """Each row of its tables names tests that exist."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("|") and "`test_" in line]
    assert len(rows) > 10
    tests = {
        name for path in TESTS.rglob("test_*.py") for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert {name for row in rows for name in re.findall(r"`(test_\w+)`", row)} <= tests
