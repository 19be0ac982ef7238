"""Names that are not settings: misspelt ones are rejected, those of other programs are ignored."""

from pathlib import Path

import pytest

from tests.support.settings import load, reject, write_env


@pytest.mark.parametrize(
    ("name", "meant"),
    [("USE_MYSLQ", "USE_MYSQL"), ("MYSQL_PASSWORD", "MYSQL_PASS"), ("use_mysql", "USE_MYSQL"), ("NOVAFLOW_SERVICE", "NOVAFLOW_SERVICES")],
)
def test_a_misspelt_name_in_a_file_is_rejected(tmp_path: Path, name: str, meant: str) -> None:
    """The error suggests the setting."""
    write_env(tmp_path, f"# mine\n\n{name}=1\n")
    assert reject(tmp_path) == [f"unknown setting {name} (./.env line 3); did you mean {meant}?"]


def test_an_unknown_novaflow_name_is_rejected(tmp_path: Path) -> None:
    """Every name that begins with NOVAFLOW_ must be a setting."""
    assert reject(tmp_path, {"NOVAFLOW_COLOUR": "blue"}) == [
        "unknown setting NOVAFLOW_COLOUR (environment); `novaflow config` lists all settings"
    ]


def test_other_names_in_a_file_are_ignored(tmp_path: Path) -> None:
    """Other programs may share a .env."""
    write_env(tmp_path, "DATABASE_URL=x\nMYSQL_USER=y\nUSE_SSL=1\n")
    assert set(load(tmp_path).origins.values()) == {"default"}


@pytest.mark.parametrize("name", ["USE_MYSLQ", "USE_MYSQ", "USE_MMYSQL", "FIXED_RANGW", "HOST_PI", "LIBVRT_TYPE"])
def test_a_misspelt_name_in_the_environment_is_rejected(tmp_path: Path, name: str) -> None:
    """A name that differs from a setting by one typing error is rejected with a suggestion."""
    (line,) = reject(tmp_path, {name: "1"})
    assert line.startswith(f"unknown setting {name} (environment); did you mean ")


@pytest.mark.parametrize(
    "name",
    ["HOST_IPS", "HOST_ID", "NET_MAX", "TESTS", "USE_IPV4", "MYSQL_PASSWORD", "MYSQL_HOST", "SCREEN", "PATH", "interface", "NOVAFLOW_NODE"],
)
def test_other_names_in_the_environment_are_ignored(tmp_path: Path, name: str) -> None:
    """Only an evident typing error is rejected."""
    assert set(load(tmp_path, {name: "1"}).origins.values()) == {"default"}


def test_an_unknown_override_is_rejected(tmp_path: Path) -> None:
    """The command line must contain settings only."""
    assert reject(tmp_path, overrides={"COLOUR": "1"}) == ["unknown setting COLOUR (command line); `novaflow config` lists all settings"]
