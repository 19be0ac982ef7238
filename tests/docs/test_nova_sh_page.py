"""The page "Coming from nova.sh" has a row for every command, argument, service and setting, with a test that exists."""

import re
from pathlib import Path

import pytest

from novaflow.settings.group import find_fields
from tests.support.settings import GROUPS

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs/nova.sh.md").read_text()
COMMANDS = ("branch", "install", "run", "run_detached", "terminate", "clean", "scrub")
ARGUMENTS = ("SOURCE", "DIR")
SERVICES = ("api", "objectstore", "compute", "network", "scheduler", "volume", "ajax_console_proxy")
SETTINGS = tuple(name for name in find_fields(GROUPS) if not name.startswith("NOVAFLOW_"))
ROWS = [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in PAGE.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_names_a_test_that_exists(row: tuple[str, ...]) -> None:
    """The file of the test exists and contains the test."""
    _, says, *tests = row
    assert says
    named = re.findall(r"`(\S+\.py)::(\w+)`", " ".join(tests))
    assert named
    for file, test in named:
        assert re.search(rf"^(async )?def {test}\(", (TESTS / file).read_text(), re.MULTILINE), f"{file} has no {test}"


@pytest.mark.parametrize("word", [*COMMANDS, *ARGUMENTS, *SERVICES, *SETTINGS])
def test_every_word_of_nova_sh_has_a_row(word: str) -> None:
    """Each command, argument, service and setting of nova.sh is in the first column."""
    assert any(word in re.findall(r"`([A-Za-z_0-9]+)[^`]*`", first) for first, *_ in ROWS)
