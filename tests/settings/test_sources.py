"""The .env files: where they are, what they contain, and what is refused."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaflow.errors import NotTrusted, SettingsInvalid
from novaflow.settings import CoreSettings, load_settings
from novaflow.settings.sources import Assignment, find_current_folder, read_sources
from tests.support.properties import EXAMPLES
from tests.support.settings import COMPONENT_GROUPS, load, reject, write_env
from workflows.infra.database.settings import DatabaseSettings
from workflows.services.nova.settings import NovaSettings


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


def test_the_last_line_of_a_file_has_priority(tmp_path: Path) -> None:
    """The origin is the line that counts."""
    write_env(tmp_path, "TEST=0\n\nTEST=1\n")
    loaded = load(tmp_path)
    assert (loaded.settings.of(NovaSettings).test, loaded.origins["TEST"]) == (True, "./.env line 3")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("SCREEN_NAME=plain", "plain"),
        ("export SCREEN_NAME=exported", "exported"),
        ("  SCREEN_NAME = spaced  ", "spaced"),
        ("SCREEN_NAME=commented # as shells do", "commented"),
        ('SCREEN_NAME="double"', "double"),
        ("SCREEN_NAME='single'", "single"),
        ("SCREEN_NAME=crlf\r", "crlf"),
        ("\ufeffSCREEN_NAME=marked", "marked"),
        ("SCREEN_NAME=", "nova"),
        ("SCREEN_NAME=''", "nova"),
    ],
)
def test_assignments_are_written_as_for_a_shell(tmp_path: Path, line: str, value: str) -> None:
    """Spaces, quotes, comments, a byte order mark and line ends of Windows are no part of a value; an empty one is the default."""
    write_env(tmp_path, f"{line}\n")
    assert load(tmp_path).settings.of(CoreSettings).screen_name == value


@pytest.mark.parametrize("name", ["NOVAFLOW_WORKFLOWS", "NOVAFLOW_COMPONENTS_PATH", "NOVAFLOW_ON_READY", "NOVAFLOW_ON_FAILED"])
def test_code_is_not_named_by_the_current_folder(tmp_path: Path, name: str) -> None:
    """The folder may be a copy of another person's; the message names the places where the setting is read."""
    write_env(tmp_path, f"{name}=/srv/code\n")
    where = f"set it in {tmp_path}/nova/.env, the environment or on the command line"
    assert reject(tmp_path) == [f"{name} (./.env line 1) names code to run; {where}"]
    (tmp_path / ".env").rename(write_env(tmp_path / "nova", "") / ".env")
    assert load(tmp_path).origins[name] == "nova/.env line 1"


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    """Reading it would wait for a writer."""
    os.mkfifo(tmp_path / ".env")
    assert reject(tmp_path) == ["./.env is not a regular file"]


def test_a_file_that_others_may_write_is_not_read(tmp_path: Path) -> None:
    """The error is raised before its content is looked at."""
    write_env(tmp_path, "not a setting\n")
    (tmp_path / ".env").chmod(0o666)
    with pytest.raises(NotTrusted, match=re.escape(f"chmod go-w {tmp_path}/.env")):
        load(tmp_path)


def test_a_linked_folder_is_read_once(tmp_path: Path) -> None:
    """The folder of the stack may be a link to the current one."""
    write_env(tmp_path, "TEST=maybe\n")
    (tmp_path / "nova").symlink_to(".")
    assert reject(tmp_path) == ["TEST=maybe (./.env line 1): allowed: 0, 1"]


def test_a_deleted_current_folder_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of a stack elsewhere can be loaded, as `status` and `clean` do."""
    elsewhere, here = write_env(tmp_path / "elsewhere", "TEST=1\n"), tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    here.rmdir()
    assert not find_current_folder().exists()
    assert load_settings(elsewhere, COMPONENT_GROUPS, environ={}).origins["TEST"] == f"{elsewhere}/.env line 1"


def test_a_password_on_the_command_line_is_refused(tmp_path: Path) -> None:
    """The message says how to pass it, and does not repeat it."""
    (line,) = reject(tmp_path, overrides={"MYSQL_PASS": "hush"})
    assert line == (
        "MYSQL_PASS (command line): every user of this machine can read it there; choose another value, and pass it as a variable: "
        "`sudo --preserve-env=MYSQL_PASS novaflow …`, or set it in a .env file of mode 0600"
    )


@pytest.mark.slow
@EXAMPLES
@given(
    value=st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_characters="'\\", exclude_categories=["Cc"]), max_size=30)
)
def test_any_text_in_single_quotes_is_kept(tmp_path: Path, value: str) -> None:
    """Nothing in a value is expanded, cut or converted; a backslash quotes the character after it."""
    write_env(tmp_path, f"MYSQL_PASS='{value}'\n")
    (found,) = read_sources({"MYSQL_PASS"}, stack=Path(), overrides={}, environ={}, cwd=tmp_path)
    assert found == Assignment("MYSQL_PASS", value, "./.env line 1", tmp_path)
