"""Names that are not settings: misspelt ones are rejected, those of other programs are ignored."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaflow.settings.suggestions import suggest_in_environment, suggest_in_file
from tests.support.properties import EXAMPLES
from tests.support.settings import load, reject, write_env

KNOWN = ("FIXED_RANGE", "HOST_IP", "MYSQL_PASS", "NOVAFLOW_JOBS", "NOVAFLOW_SERVICES", "SCREEN_NAME", "TEST", "USE_IPV6", "USE_MYSQL")


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


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("FIXD_RANGE", "FIXED_RANGE"),
        ("FIXEDD_RANGE", "FIXED_RANGE"),
        ("FIXEB_RANGE", "FIXED_RANGE"),
        ("FIXDE_RANGE", "FIXED_RANGE"),
        ("IFXED_RANGE", "FIXED_RANGE"),
        ("FIXED_RANG", "FIXED_RANGE"),
        ("HOTS_IP", "HOST_IP"),
        ("TETS", "TEST"),
        ("NOVAFLOW_JOB", "NOVAFLOW_JOBS"),
        ("NOVAFLOW_SERVISES", "NOVAFLOW_SERVICES"),
        ("FIXED_RANGES", None),
        ("FIXED_2ANGE", None),
        ("HOST_IQ", None),
        ("HST_IP", None),
        ("FXD_RANGE", None),
        ("USE_IPV5", None),
        ("NOVAFLOW_X", None),
        ("", None),
    ],
)
def test_one_typing_error_is_found_in_the_environment(name: str, setting: str | None) -> None:
    """A missing, a wrong, a repeated letter, or two that are exchanged; not two errors, a digit, a suffix, or a short name."""
    assert suggest_in_environment(name, KNOWN) == setting


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("fixed_range", "FIXED_RANGE"),
        ("FIXED_NETWORK_RANGE", None),
        ("FIXEDRANGE", "FIXED_RANGE"),
        ("HOST_IPS", "HOST_IP"),
        ("SCREENNAMES", "SCREEN_NAME"),
        ("NOVAFLOW_FIXED_RANGE", None),
        ("NOVAFLOW_jobs", "NOVAFLOW_JOBS"),
        ("NOVAFLOW_", None),
        ("USE_SSL", None),
    ],
)
def test_names_in_a_file_may_be_further_from_a_setting(name: str, setting: str | None) -> None:
    """The file is for settings; of a name that begins with NOVAFLOW_ only the rest is compared."""
    assert suggest_in_file(name, KNOWN) == setting


@EXAMPLES
@given(name=st.sampled_from(KNOWN), place=st.integers(0, 20), letter=st.sampled_from("ABXYZ_"))
def test_a_wrong_letter_never_suggests_another_setting(name: str, place: int, letter: str) -> None:
    """The suggestion is the setting itself, or none."""
    wrong = name[: place % len(name)] + letter + name[place % len(name) + 1 :]
    assert suggest_in_environment(wrong, KNOWN) in {name, None}


def test_a_misspelt_override_is_rejected_with_a_suggestion(tmp_path: Path) -> None:
    """The names of the command line are those of a file."""
    assert reject(tmp_path, overrides={"screen_name": "x"}) == ["unknown setting screen_name (command line); did you mean SCREEN_NAME?"]
