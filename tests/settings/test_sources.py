"""The .env files: where they are, what they contain, and what is refused."""

from pathlib import Path

import pytest

from novaflow.errors import SettingsInvalid
from novaflow.settings import CoreSettings, load_settings
from tests.support.settings import COMPONENT_GROUPS, load, reject, write_env
from workflows.infra.database.settings import DatabaseSettings


def test_a_stack_in_the_current_folder_has_one_env_file(tmp_path: Path) -> None:
    """A problem in it is reported once."""
    write_env(tmp_path, "TEST=maybe\n")
    with pytest.raises(SettingsInvalid) as refused:
        load_settings(Path(), COMPONENT_GROUPS, environ={}, cwd=tmp_path)
    assert str(refused.value) == "TEST=maybe (./.env line 1): allowed: 0, 1"


def test_a_file_elsewhere_has_its_full_path(tmp_path: Path) -> None:
    """Messages name a .env outside the current folder by its absolute path."""
    here, elsewhere = tmp_path / "here", write_env(tmp_path / "elsewhere", "TEST=1\n")
    here.mkdir()
    assert load_settings(elsewhere, COMPONENT_GROUPS, environ={}, cwd=here).origins["TEST"] == f"{elsewhere}/.env line 1"


def test_quoted_values_are_taken_literally(tmp_path: Path) -> None:
    """Nothing in them is expanded."""
    write_env(tmp_path, "MYSQL_PASS='a#b $c ${HOME} \"d'\n")
    secret = load(tmp_path).settings.of(DatabaseSettings).mysql_pass
    assert secret is not None
    assert secret.get_secret_value() == 'a#b $c ${HOME} "d'


@pytest.mark.parametrize(
    ("text", "line", "start"),
    [("TEST=1\n\n\nMYSQL_PASS='secret\n", 4, "MYSQL_PASS"), ("INTERFACE\n", 1, "INTERFACE"), ("\n\nnot a setting\n", 3, "not a setting")],
)
def test_a_syntax_error_is_reported_with_its_line(tmp_path: Path, text: str, line: int, start: str) -> None:
    """The text of the line is not shown: it may contain a password."""
    write_env(tmp_path, text)
    assert reject(tmp_path) == [f"./.env line {line} is not NAME=VALUE with closed quotes: {start!r} …"]


def test_a_folder_named_env_is_ignored(tmp_path: Path) -> None:
    """It may be a virtual environment; a note says so."""
    (tmp_path / ".env").mkdir()
    write_env(tmp_path / "nova", "NOVAFLOW_JOBS=3\n")
    loaded = load(tmp_path)
    assert loaded.settings.of(CoreSettings).novaflow_jobs == 3
    assert loaded.notes == ("./.env is a folder, such as a virtual environment, and no file of settings: it is ignored",)


def test_an_unreadable_file_is_rejected(tmp_path: Path) -> None:
    """The error contains the reason of the system."""
    (tmp_path / ".env").symlink_to(".env")
    assert reject(tmp_path) == ["./.env cannot be read: Too many levels of symbolic links"]


def test_a_binary_file_is_rejected(tmp_path: Path) -> None:
    """The error names the position of the first invalid byte."""
    (tmp_path / ".env").write_bytes(b"TEST=\xff")
    assert reject(tmp_path) == ["./.env is not UTF-8 text: byte 5 is 0xff"]
