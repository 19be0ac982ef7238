"""Passwords of a stack."""

import json
import re
from pathlib import Path

import pytest

from novaflow.adapters.storage import Secrets
from novaflow.errors import MachineError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of passwords, in a folder that does not exist yet."""
    return tmp_path / "credentials/secrets.json"


def test_a_password_is_kept(path: Path) -> None:
    """A password is created once, for this and for later processes."""
    secrets = Secrets(path)
    made = secrets.get("database")
    assert secrets.get("database") == made
    assert Secrets(path).get("database") == made


def test_passwords_need_no_quoting(path: Path) -> None:
    """Each consists of 32 letters and digits."""
    one, two = Secrets(path).get("one"), Secrets(path).get("two")
    assert one != two
    assert re.fullmatch(r"[a-z0-9]{32}", one)


def test_only_the_owner_can_read_them(path: Path) -> None:
    """The mode of the file is 0600, even if an older file was readable for others."""
    path.parent.mkdir(mode=0o700)
    path.write_text("{}")
    path.chmod(0o666)
    Secrets(path).get("database")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secrets.json"]


def test_only_the_owner_can_open_the_folder(path: Path) -> None:
    """Its mode is 0700."""
    Secrets(path).get("database")
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_reading_creates_no_password(path: Path) -> None:
    """A command that shows a stack does not change it."""
    assert Secrets(path).known("database") is None
    assert not path.parent.exists()
    made = Secrets(path).get("database")
    assert Secrets(path).known("database") == made


@pytest.mark.parametrize("content", ["", "{", "[]", '{"database": 1}', "\N{REPLACEMENT CHARACTER}"])
def test_a_damaged_file_is_not_overwritten(path: Path, content: str) -> None:
    """New passwords would not open existing databases."""
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(MachineError, match=rf"{path} is damaged"):
        Secrets(path)
    assert path.read_text() == content


def test_a_write_error_names_the_file(tmp_path: Path) -> None:
    """The reason is that of the system."""
    (tmp_path / "credentials").write_text("a file")
    with pytest.raises(MachineError, match=r"cannot write .*secrets\.json: (not a directory|file exists)"):
        Secrets(tmp_path / "credentials/secrets.json").get("database")


def test_renewed_passwords_are_others(path: Path, tmp_path: Path) -> None:
    """All but the kept ones; the file of old ones has the same mode."""
    secrets, old = Secrets(path), tmp_path / "credentials/secrets.old.json"
    before = {name: secrets.get(name) for name in ("database", "encryption")}
    secrets.renew(old, kept=["encryption"])
    assert secrets.get("database") != before["database"]
    assert secrets.get("encryption") == before["encryption"]
    assert Secrets(path).get("database") == secrets.get("database")
    assert json.loads(old.read_text()) == before
    assert old.stat().st_mode & 0o777 == 0o600


def test_passwords_are_renewed_once(path: Path, tmp_path: Path) -> None:
    """While the file of old ones exists, those in use are being applied: they stay."""
    secrets, old = Secrets(path), tmp_path / "old.json"
    before = secrets.get("database")
    secrets.renew(old, kept=[])
    renewed = Secrets(path).get("database")
    Secrets(path).renew(old, kept=[])
    assert Secrets(path).get("database") == renewed
    assert json.loads(old.read_text()) == {"database": before}


def test_a_renewal_that_was_interrupted_is_done(path: Path, tmp_path: Path) -> None:
    """The file of old ones is written first: if it has the passwords in use, nothing was replaced."""
    before, old = Secrets(path).get("database"), tmp_path / "old.json"
    old.write_bytes(path.read_bytes())
    Secrets(path).renew(old, kept=[])
    assert Secrets(path).get("database") != before
