"""Completion of commands, options and names; tests/system presses the Tab key of real shells."""

import pytest
from click.shell_completion import ShellComplete

from novaflow.cli.main import COMMANDS
from novaflow.cli.main import novaflow as group
from tests.support.toy_stack import Novaflow, ToyStack


def complete(*arguments: str) -> list[str]:
    """Return the completions of the last argument."""
    completion = ShellComplete(group, {}, "novaflow", "_NOVAFLOW_COMPLETE")
    return [item.value for item in completion.get_completions([*arguments[:-1]], arguments[-1])]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_printed(novaflow: Novaflow, shell: str) -> None:
    """The script calls the program, whether that shell is installed or not."""
    ended = novaflow("completion", shell)
    assert (ended.code, ended.err) == (0, "")
    assert f"_NOVAFLOW_COMPLETE={shell}_complete" in ended.out


def test_an_unknown_shell_is_refused(novaflow: Novaflow) -> None:
    """The message lists the shells."""
    ended = novaflow("completion", "ksh")
    assert ended.code == 2
    assert "'bash', 'zsh', 'fish'" in ended.err


@pytest.mark.usefixtures("toy")
def test_commands_are_completed() -> None:
    """All of them without a letter, and also as the argument of `help`."""
    assert complete("") == [*COMMANDS]
    assert complete("sta") == ["status", "start"]
    assert complete("help", "scr") == ["scrub"]
    assert complete("superv") == []
    assert complete("boot", "o") == ["on", "off"]


@pytest.mark.usefixtures("toy")
def test_options_are_completed() -> None:
    """An option of the command, after a dash."""
    assert complete("run", "--wa") == ["--wait-ready", "--watch"]


@pytest.mark.parametrize("command", ["start", "stop", "restart", "logs", "attach"])
def test_services_are_completed(toy: ToyStack, command: str) -> None:
    """Services, their components and aliases; no components without services."""
    toy.add_services()
    assert complete(command, "") == ["httpd", "web", "web-worker"]
    assert complete(command, "web-") == ["web-worker"]


@pytest.mark.parametrize("command", ["graph", "timings"])
def test_workflows_are_completed(toy: ToyStack, command: str) -> None:
    """The workflows of the stack's folder of workflows."""
    toy.add_workflow("clean")
    assert complete(command, "") == ["clean", "run"]


@pytest.mark.usefixtures("toy")
def test_settings_are_completed() -> None:
    """The equals sign is included; the value follows without a space."""
    assert complete("status", "--set", "SCREEN") == ["SCREEN_NAME=", "SCREEN_STATUS="]


@pytest.mark.parametrize("arguments", [("restart", ""), ("graph", ""), ("status", "--set", "")])
def test_invalid_workflows_complete_to_nothing(toy: ToyStack, arguments: tuple[str, ...]) -> None:
    """A shell cannot show an error while it completes."""
    toy.write("components/toy.py", "COMPONENT = 1\ndef (:\n")
    assert complete(*arguments) == []
