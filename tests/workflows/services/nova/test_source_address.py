"""Where a source tree comes from: what may be written, and what it means."""

from pathlib import Path

import pytest

from novaflow.errors import UsageError
from workflows.services.nova.source_address import NOVA, Address, Kind, read_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (NOVA, Address(Kind.GIT, "https://opendev.org/openstack/nova")),
        ("https://host/nova#stable/2026.2", Address(Kind.GIT, "https://host/nova", "stable/2026.2")),
        ("ssh://me@host:29418/nova", Address(Kind.GIT, "ssh://me@host:29418/nova")),
        ("git@host:me/nova.git#34.0.0", Address(Kind.GIT, "git@host:me/nova.git", "34.0.0")),
        ("file:///srv/nova", Address(Kind.GIT, "file:///srv/nova")),
        ("lp:nova", Address(Kind.BAZAAR, "lp:nova")),
        ("bzr+ssh://host/nova", Address(Kind.BAZAAR, "bzr+ssh://host/nova")),
        ("pypi:nova==34.0.0", Address(Kind.PYPI, "34.0.0")),
    ],
)
def test_an_address_is_known_by_how_it_is_written(text: str, address: Address) -> None:
    """What fetches it, what it is given, and the branch or tag."""
    assert read_address(text) == address


def test_a_folder_is_a_checkout(tmp_path: Path) -> None:
    """It is used where it is."""
    assert read_address(str(tmp_path)) == Address(Kind.CHECKOUT, str(tmp_path))


def test_a_file_address_of_a_bazaar_branch_is_bazaars(tmp_path: Path) -> None:
    """The folder tells, as its address does not."""
    (tmp_path / ".bzr").mkdir()
    assert read_address(f"file://{tmp_path}").kind is Kind.BAZAAR


@pytest.mark.parametrize("text", ["ftp://host/nova", "no/such/folder", "pypi:keystone==30.0.0", "pypi:nova", "lp:"])
def test_anything_else_is_refused(text: str) -> None:
    """With what is possible."""
    with pytest.raises(UsageError, match="is no folder, and no address of a source tree; possible are: a git address"):
        read_address(text)


def test_who_logs_in_is_shown_to_nobody() -> None:
    """Neither the name nor the token of an address."""
    assert read_address("https://me:hush@host/nova#x").shown == "https://host/nova#x"
    assert read_address("pypi:nova==34.0.0").shown == "pypi:nova==34.0.0"
