"""Passwords: made once, kept for their owner alone."""

import re
from pathlib import Path

import pytest

from novaflow.adapters.storage.secrets import Secrets
from novaflow.errors import MachineError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the stack's passwords lie, in a folder that does not exist yet."""
    return tmp_path / "credentials/secrets.json"


def test_a_password_stays_the_same(path: Path) -> None:
    """Made on first use, it is the same for this process and for those that come later."""
    secrets = Secrets(path)
    made = secrets.get("database")
    assert secrets.get("database") == made
    assert Secrets(path).get("database") == made


def test_passwords_differ_and_fit_anywhere(path: Path) -> None:
    """32 letters and digits need no quoting in a URL or in SQL."""
    one, two = Secrets(path).get("one"), Secrets(path).get("two")
    assert one != two
    assert re.fullmatch(r"[a-z0-9]{32}", one)


def test_only_the_owner_may_read_them(path: Path) -> None:
    """The file is 0600 and its folder 0700, also where a wider one of an interrupted writer lay."""
    path.parent.mkdir(mode=0o700)
    path.with_suffix(".new").touch(0o666)
    Secrets(path).get("database")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secrets.json"]


def test_the_folder_is_made_for_the_owner_alone(path: Path) -> None:
    """Nobody else even sees that there are passwords."""
    Secrets(path).get("database")
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_who_only_looks_makes_none(path: Path) -> None:
    """A command that shows a stack leaves no trace in it."""
    assert Secrets(path).known("database") is None
    assert not path.parent.exists()
    made = Secrets(path).get("database")
    assert Secrets(path).known("database") == made


@pytest.mark.parametrize("content", ["", "{", "[]", '{"database": 1}', "\N{REPLACEMENT CHARACTER}"])
def test_a_spoilt_file_is_named_and_not_overwritten(path: Path, content: str) -> None:
    """Databases were made with the passwords that were in it: new ones would not open them."""
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(MachineError, match=rf"{path} is not what novaflow wrote"):
        Secrets(path)
    assert path.read_text() == content


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The message says which file and why."""
    (tmp_path / "credentials").write_text("a file")
    with pytest.raises(MachineError, match=r"cannot write .*secrets\.json: (not a directory|file exists)"):
        Secrets(tmp_path / "credentials/secrets.json").get("database")
