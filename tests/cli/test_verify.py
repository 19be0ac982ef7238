"""`novaflow verify`: how its arguments are read."""

from pathlib import Path

import click
import pytest

from novaflow.cli.commands.verify import command


@pytest.mark.parametrize(
    ("words", "tests"),
    [((), None), (("--tempest",), ""), (("--tempest", "a|b"), "a|b"), (("--tempest=a/b",), "a/b"), (("--tempest", "--full"), "")],
)
def test_a_path_is_the_folder_of_the_stack(tmp_path: Path, words: tuple[str, ...], tests: str | None) -> None:
    """It is never taken for the optional name of a test before it."""
    parameters = command.make_context("verify", [*words, str(tmp_path / "nova")]).params
    assert parameters["tests"] == tests
    assert parameters["folder"] == tmp_path / "nova"


def test_two_checks_at_once_are_refused(tmp_path: Path) -> None:
    """The command names both, and runs neither."""
    with pytest.raises(click.UsageError, match="--full and --tempest are two different checks"):
        command.main(["--full", "--tempest=a", str(tmp_path / "nova")], standalone_mode=False)
