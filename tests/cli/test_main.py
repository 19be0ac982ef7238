"""The program as a whole: dispatch, errors and exit codes."""

import pytest

from novaflow.cli.main import COMMANDS
from tests.support.toy_stack import Novaflow, ToyStack

WITH_STACK = [name for name in COMMANDS if name not in {"help", "completion"}]
NAMED = {
    "bundle": ["packages.tar"],
    "start": ["web"],
    "stop": ["web"],
    "restart": ["web"],
    "explain": ["web"],
    "trace": ["server"],
    "boot": ["status"],
    "secrets": ["rotate"],
}  # arguments that are required


def test_the_version_is_printed(novaflow: Novaflow) -> None:
    """`--version` prints name and version."""
    ended = novaflow("--version")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("novaflow, version ")


def test_an_unknown_command_is_refused(novaflow: Novaflow) -> None:
    """The exit code is that of a usage error."""
    ended = novaflow("rnu")
    assert (ended.code, ended.out) == (2, "")
    assert "No such command 'rnu'" in ended.err


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_option_is_refused(novaflow: Novaflow, toy: ToyStack, name: str) -> None:
    """Nothing is created."""
    ended = novaflow(name, "--nope")
    assert (ended.code, ended.out) == (2, "")
    assert "No such option" in ended.err
    assert "--nope" in ended.err
    assert not toy.root.exists()


@pytest.mark.parametrize(
    ("name", "argument"),
    [("start", "NAME"), ("stop", "NAME"), ("restart", "NAME"), ("boot", "{on|off|status}"), ("secrets", "{rotate}"), ("bundle", "FILE")],
)
def test_a_missing_argument_is_refused(novaflow: Novaflow, name: str, argument: str) -> None:
    """The message names the argument."""
    ended = novaflow(name)
    assert ended.code == 2
    assert f"Missing argument '{argument}'" in ended.err


@pytest.mark.parametrize("name", WITH_STACK)
def test_a_setting_needs_a_value(novaflow: Novaflow, toy: ToyStack, name: str) -> None:
    """Every command checks --set before anything else, and creates nothing."""
    ended = novaflow(name, *NAMED.get(name, []), "--set", "SCREEN_NAME")
    assert (ended.code, ended.out, ended.err) == (2, "", "novaflow: --set: expected NAME=VALUE, found 'SCREEN_NAME'\n")
    assert not toy.root.exists()


@pytest.mark.parametrize("name", WITH_STACK)
def test_invalid_workflows_are_refused(novaflow: Novaflow, toy: ToyStack, name: str) -> None:
    """Every command that uses a stack reports a component that cannot be loaded, with file and line, and creates nothing."""
    toy.write("components/toy.py", "COMPONENT = 1\ndef (:\n")
    ended = novaflow(name, *NAMED.get(name, []))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"novaflow: {toy.workflows}/components/toy.py: line 2: invalid syntax\n"
    assert not toy.root.exists()


@pytest.mark.parametrize("name", WITH_STACK)
def test_the_folder_of_a_stack_may_not_be_a_file(novaflow: Novaflow, toy: ToyStack, name: str) -> None:
    """The message names DIR."""
    (toy.folder / "file").touch()
    arguments = [*NAMED.get(name, []), *(["run"] if name in {"graph", "timings"} else []), *([""] if name == "branch" else [])]
    optional = ["web"] if name in {"logs", "attach"} else []
    ended = novaflow(name, *arguments, *optional, "file")
    assert ended.code == 2
    assert "Directory 'file' is a file." in ended.err


def test_several_invalid_settings_are_reported_at_once(novaflow: Novaflow, toy: ToyStack) -> None:
    """The message has a line for each."""
    (toy.folder / ".env").write_text("NOVAFLOW_JOBS=0\nSCREEN_NAME=a b\n")
    ended = novaflow("status")
    assert ended.code == 2
    assert [line.partition(" (")[0] for line in ended.err.splitlines()] == ["novaflow: SCREEN_NAME=a b", "NOVAFLOW_JOBS=0"]


@pytest.mark.parametrize("command", ["status", "up", "config", "clean", "events"])
def test_a_path_that_cannot_be_resolved_is_refused(novaflow: Novaflow, toy: ToyStack, command: str) -> None:
    """A loop of links, and the home folder of a user who does not exist; each in one line, with exit code 2."""
    for one, other in (("a", "b"), ("b", "a")):
        (toy.folder / one).symlink_to(toy.folder / other)
    loop = novaflow(command, str(toy.folder / "a"))
    assert (loop.code, loop.out) == (2, "")
    assert loop.err == f"novaflow: {toy.folder}/a cannot be the folder of a stack: symlink loop from '{toy.folder}/a'\n"
    home = novaflow(command, "~no-such-user/nova")
    assert (home.code, home.err) == (
        2,
        "novaflow: ~no-such-user/nova cannot be the folder of a stack: could not determine home directory\n",
    )


@pytest.mark.parametrize("command", ["status", "install", "events", "timings"])
def test_a_journal_that_is_a_folder_is_refused(novaflow: Novaflow, toy: ToyStack, command: str) -> None:
    """The message names it; the exit code is that of an unfit machine."""
    toy.add_workflow("install")
    toy.paths.journal.mkdir(parents=True)
    ended = novaflow(command)
    assert ended.code == 5
    assert ended.err.endswith(f"novaflow: {toy.paths.journal} is not a file; move it away, and novaflow creates a new journal\n")
