"""What `up` prints at its end."""

from pathlib import Path

import pytest

from novaflow.cli.next_steps import describe_inquiry, find_program, print_next_steps
from novaflow.runtime.stack import open_stack
from tests.support.toy_stack import ToyStack


def test_the_next_commands_are_shown(toy: ToyStack, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its summary; a stack in the default folder needs no DIR."""
    print_next_steps(toy.open())
    lines = capsys.readouterr().out.splitlines()
    assert [line.removeprefix(f"  {find_program()} ") for line in lines] == [
        "",
        "status    show the state of all services",
        "verify    boot a server, ping it, and delete it",
        "clean     stop everything the stack started",
    ]


def test_another_folder_is_part_of_the_commands(toy: ToyStack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands can be pasted as they are."""
    monkeypatch.chdir(Path("/"))
    print_next_steps(toy.open())
    assert f"status {toy.root}    show the state" in capsys.readouterr().out


def test_a_folder_with_a_space_is_quoted(toy: ToyStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command can be pasted, also after a failure."""
    monkeypatch.chdir(Path("/"))
    stack = open_stack(toy.folder / "a stack", {"NOVAFLOW_WORKFLOWS": str(toy.workflows)})
    assert f" explain web '{toy.folder}/a stack'    shows " in describe_inquiry(stack, "web")


def test_the_credentials_of_clients_are_shown(toy: ToyStack, capsys: pytest.CaptureFixture[str]) -> None:
    """The last line sets the environment of OpenStack's own clients."""
    toy.paths.credentials.mkdir(parents=True)
    (toy.paths.credentials / "clouds.yaml").touch()
    print_next_steps(toy.open())
    assert capsys.readouterr().out.endswith(f"\n\n  export OS_CLIENT_CONFIG_FILE={toy.paths.credentials}/clouds.yaml OS_CLOUD=novaflow\n")
