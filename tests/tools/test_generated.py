"""Generated files are up to date."""

from pathlib import Path

import pytest

from tools.generated import ROOT, generate_files
from tools.markdown import escape, table


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    """Return what the programs write."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return dict(generate_files())


def test_committed_files_are_what_the_programs_write(generated: dict[str, str]) -> None:
    """After a change of a command, setting, error or event class, `python -m tools` writes the files again."""
    outdated = [name for name, text in generated.items() if not (ROOT / name).is_file() or (ROOT / name).read_text() != text]
    assert outdated == [], "run: python -m tools"


def test_every_command_has_a_section(generated: dict[str, str]) -> None:
    """The page of commands has the purpose, usage, options and example of each command."""
    page = generated["docs/reference/commands.md"]
    for part in ("## graph\n", "`novaflow graph [OPTIONS] [WORKFLOW] [DIR]`", "* `--states`: ", "Example: `novaflow graph run"):
        assert part in page


def test_secrets_and_computed_defaults_are_described(generated: dict[str, str]) -> None:
    """The page of settings shows how a default is computed, not its value on this machine."""
    page = generated["docs/reference/settings.md"]
    assert "| `NOVAFLOW_JOBS` | the number of processors |" in page
    assert str(Path.home()) not in page
    assert str(ROOT) not in page


def test_text_is_shown_as_it_is() -> None:
    """Characters with a meaning in Markdown are escaped outside of code."""
    assert escape("Wildcards * and ? of [NAME]; ``a*b`` | c\n  d") == r"Wildcards \* and ? of \[NAME\]; `a*b` \| c d"


def test_a_table_has_a_head_and_rows() -> None:
    """A table ends with an empty line."""
    assert [*table(("a", "b"), [("1", "2")])] == ["| a | b |", "|---|---|", "| 1 | 2 |", ""]
