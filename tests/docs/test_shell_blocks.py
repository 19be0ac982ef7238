"""Each shell block of the documentation is run here, or its marker gives the reason why not."""

# ruff: noqa: S607, TID251 - the programs are novaflow itself, run by a shell

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from novaflow.cli.main import novaflow
from tests.docs.shell_blocks import PAGES, ShellBlock, all_shell_blocks, find_shell_blocks

BLOCKS = all_shell_blocks()
RUN = [block for block in BLOCKS if block.exit_codes]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_is_run_or_has_a_reason(block: ShellBlock) -> None:
    """The line before a block is `<!-- test: run -->`, or `<!-- not tested here: REASON; covered by FILE -->`; the file exists."""
    assert block.exit_codes or block.reason, f"{block.place}: the line before the block has no valid marker: {block.marker!r}"
    assert block.covering_test is None or block.covering_test.is_file(), f"{block.place}: {block.covering_test} does not exist"


@pytest.mark.slow
@pytest.mark.parametrize("block", RUN, ids=lambda block: block.place)
def test_a_block_does_what_it_shows(block: ShellBlock, tmp_path: Path) -> None:
    """The commands of a block succeed in an empty folder, without root's environment."""
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "HOME": str(tmp_path)}
    done = subprocess.run(
        ["sh", "-eux"], input=block.text, capture_output=True, check=False, cwd=tmp_path, env=environment, text=True, timeout=50
    )
    assert done.returncode in block.exit_codes, f"{block.place}\n{done.stdout}{done.stderr}"


def test_every_page_with_commands_is_read() -> None:
    """The pages at the top of the repository and all pages below docs/ are checked, and some blocks are run."""
    pages = {block.page.name for block in BLOCKS}
    assert {"README.md", "CONTRIBUTING.md", "first-cloud.md", "ci.md", "troubleshooting.md"} <= pages
    assert len(PAGES) > len(pages)
    assert RUN


def test_a_block_is_found_with_its_marker_and_line() -> None:
    """A marker belongs to the block that follows it at once."""
    text = "# T\n\n<!-- test: run; exit codes 0, 5 -->\n```sh\ntrue\n```\n\n<!-- test: run -->\n\n```bash\nfalse\n```\n```python\n1\n```\n"
    page = PAGES[0]
    assert [*find_shell_blocks(page, text)] == [
        ShellBlock(page, 5, "test: run; exit codes 0, 5", "true\n"),
        ShellBlock(page, 11, "", "false\n"),
    ]


@pytest.mark.parametrize(
    ("marker", "exit_codes", "reason"),
    [
        ("test: run", frozenset({0}), ""),
        ("test: run; exit codes 0, 5", frozenset({0, 5}), ""),
        ("not tested here: needs a proxy", frozenset(), "needs a proxy"),
        ("not tested here: needs root; covered by tests/conftest.py", frozenset(), "needs root"),
        ("test: perhaps", frozenset(), ""),
        ("not tested here:", frozenset(), ""),
        ("", frozenset(), ""),
    ],
)
def test_a_marker_is_read(marker: str, exit_codes: frozenset[int], reason: str) -> None:
    """A marker with any other form counts as none."""
    block = ShellBlock(PAGES[0], 1, marker, "true\n")
    assert (block.exit_codes, block.reason) == (exit_codes, reason)


def find_commands(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the arguments of each call of novaflow in a block, except those that only nova.sh knows."""
    for line in text.splitlines():
        called = re.search(r"(?:\./nova\.sh|(?:^|[ /(])novaflow) (.+)", line)
        if called and not called[1].startswith("test"):
            yield tuple(shlex.split(re.split(r"[|>)]| #", called[1])[0]))


COMMANDS = [(block.place, arguments) for block in BLOCKS for arguments in find_commands(block.text)]


@pytest.mark.parametrize(("place", "arguments"), COMMANDS, ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_a_command_is_valid(place: str, arguments: tuple[str, ...]) -> None:
    """Each command of novaflow exists and accepts the options and arguments that a block shows, whether the block is run or not."""
    with click.Context(novaflow) as context:
        name, command, rest = novaflow.resolve_command(context, [*arguments])
        assert command is not None, f"{place}: {name}"
        command.make_context(name, rest, parent=context)


def test_commands_are_found() -> None:
    """Prompts, pipes, substitutions and comments around a command are not part of it."""
    text = 'sudo ./nova.sh up --set A="b c"   # wait\neval "$(./nova.sh env)"\n.venv/bin/novaflow graph | grep x\n./nova.sh test -q\nls\n'
    assert [*find_commands(text)] == [("up", "--set", "A=b c"), ("env",), ("graph",)]
    assert COMMANDS
