"""The pages of the reference name everything that exists."""

import re
from itertools import pairwise

import pytest

from novaflow import errors
from novaflow.cli.main import ALIASES, COMMANDS
from novaflow.events.types import StackState
from novaflow.plan.lifecycle import LIFECYCLE
from tests.support.settings import GROUPS
from tools import commands_page, exit_codes_page, files_page, lifecycle_page, settings_page
from tools.env_example import write_example
from tools.markdown import GENERATED, escape


def rows(page: str, column: int = 0) -> list[str]:
    """Return the cells of a column of all tables, without headings."""
    lines = [*page.splitlines(), ""]
    found = [line for line, below in pairwise(lines) if line.startswith("| ") and not below.startswith("|---")]
    return [re.split(r" ?(?<!\\)\| ?", line)[column + 1] for line in found]


def test_each_error_has_its_exit_code() -> None:
    """Every class of errors is a row."""
    names = rows(exit_codes_page.page())
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.NovaflowError)]
    codes = dict(zip(names, rows(exit_codes_page.page(), 1), strict=True))
    assert {f"`{one.__name__}`" for one in classes} - {"`NovaflowError`"} <= {*names}
    assert (codes["`PortTaken`"], codes["`NotReady`"], codes["`Interrupted`"]) == ("5", "4", "128 + signal")


def test_the_exit_codes_are_those_of_the_contract() -> None:
    """Scripts rely on them."""
    codes = [name for name in rows(exit_codes_page.page()) if re.fullmatch(r"[0-9, ]+", name)]
    assert codes == ["0", "1", "2", "3", "4", "5", "6", "141", "129, 130, 143"]


@pytest.mark.parametrize(("state", "code"), [("ready", "0"), ("degraded", "3"), ("failed", "3"), ("starting", "4"), ("stopped", "6")])
def test_the_exit_code_of_status_names_each_state(state: str, code: str) -> None:
    """Every state of a stack is a row."""
    found = dict(zip(rows(exit_codes_page.page()), rows(exit_codes_page.page(), 1), strict=True))
    assert found[f"`{state}`"] == code
    assert {f"`{one}`" for one in StackState} <= {*found}


@pytest.mark.slow  # it loads all commands
def test_each_command_and_alias_is_listed() -> None:
    """A command has a link to its section; an alias has the words that it stands for."""
    page = commands_page.page()
    names = rows(page)
    assert {f"[`{name}`](#{name})" for name in COMMANDS} <= {*names}
    assert {f"`{alias}`" for alias in ALIASES} <= {*names}
    assert {f"## {name}" for name in COMMANDS} <= {*page.splitlines()}


def test_each_setting_is_listed_once() -> None:
    """In the reference and in the example file; both begin with where they come from."""
    names = [field.upper() for group in GROUPS for field in group.model_fields]
    assert rows(settings_page.page()) == [f"`{name}`" for name in names]
    assert settings_page.page().startswith(GENERATED)
    assert re.findall(r"^# ([A-Z_0-9]+)=", write_example(), re.MULTILINE) == names


def test_each_path_of_a_stack_is_listed() -> None:
    """With what it contains, as its property says."""
    found = dict(zip(rows(files_page.page()), rows(files_page.page(), 1), strict=True))
    assert found["`DIR/journal.jsonl`"] == "the file of all events, in order"
    assert {"`DIR/etc`", "`DIR/log`", "`DIR/data`", "`DIR/run`", "`DIR/venv`", "`DIR/credentials`", "`DIR/run/control.sock`"} <= {*found}


def test_each_phase_and_transition_is_listed() -> None:
    """The table of a node's life has a row for each phase, and the meaning of each transition."""
    names = rows(lifecycle_page.page())
    transitions = {kind.__name__ for row in LIFECYCLE.values() for kind in row}
    assert names[: len(LIFECYCLE)] == [f"`{phase.value}`" for phase in LIFECYCLE]
    assert {*names[len(LIFECYCLE) :]} == {f"`{name}`" for name in transitions}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("a | b", r"a \| b"),
        (r"C:\x", r"C:\\x"),
        ("`a | b`", "`a | b`"),
        ("<DIR> *.py", r"\<DIR> \*.py"),
        ("[x](y)", r"\[x\](y)"),
        ("one\n   two\ttabs", "one two tabs"),
        ("an open ` quote *", r"an open ` quote \*"),
    ],
)
def test_text_has_no_markup(text: str, shown: str) -> None:
    """A cell of a table is one line; code between backticks is kept."""
    assert escape(text) == shown
