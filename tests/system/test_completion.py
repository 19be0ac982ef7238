"""Completion with the Tab key of real shells."""

import sys
from pathlib import Path

import pytest

from tests.support.terminals import require_program, terminal
from tests.system.toy import Toy

pytestmark = pytest.mark.slow

LOAD = {
    "bash --norc": 'eval "$(novaflow completion bash)"',
    "zsh -f": 'autoload -Uz compinit && compinit -u && eval "$(novaflow completion zsh)"',
    "fish --no-config": "novaflow completion fish | source",
}


@pytest.mark.parametrize("shell", LOAD, ids=lambda shell: shell.partition(" ")[0])
async def test_tab_completes_commands_and_names(toy: Toy, shell: str) -> None:
    """Commands, aliases of services, workflows and settings are completed."""
    words = shell.split()
    require_program(words[0])
    env = {**toy.env, "PATH": f"{Path(sys.executable).parent}:{toy.env['PATH']}"}
    async with terminal(toy.folder, words, env) as shown:
        await shown.type(f"{LOAD[shell]}; echo lo''aded", "Enter")
        await shown.wait_shown("\nloaded")
        for typed, completed in (
            ("novaflow scr", "novaflow scrub"),
            ("novaflow restart ht", "novaflow restart httpd"),
            ("novaflow graph ver", "novaflow graph verify"),
            ("novaflow config --set SCREEN_N", "novaflow config --set SCREEN_NAME="),
        ):
            await shown.type("C-u", typed, "Tab")
            await shown.wait_shown(completed)


async def test_help_shows_an_example(toy: Toy) -> None:
    """A command is explained under its name and under that of nova.sh; an unknown command is rejected."""
    result = await toy.call("help", "scrub")
    assert result.code == 0
    assert result.out.startswith("Usage: novaflow scrub [OPTIONS] [DIR]")
    assert "Example: sudo novaflow scrub --dry-run" in result.out
    assert "Usage: novaflow run " in (await toy.call("help", "run_detached")).out
    assert "delete all servers and volumes" in (await toy.call("help")).out
    refused = await toy.call("help", "scrbu")
    assert (refused.code, "No such command 'scrbu'" in refused.err) == (2, True)
