"""Addresses of source trees: what users may write, and what it means."""

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
def test_an_address_is_parsed(text: str, address: Address) -> None:
    """The form of the text determines the kind, the place and the branch or tag."""
    assert read_address(text) == address


def test_a_folder_is_a_checkout(tmp_path: Path) -> None:
    """The address is the path of the folder."""
    assert read_address(str(tmp_path)) == Address(Kind.CHECKOUT, str(tmp_path))


def test_a_file_address_can_name_a_bazaar_branch(tmp_path: Path) -> None:
    """The content of the folder determines the kind."""
    (tmp_path / ".bzr").mkdir()
    assert read_address(f"file://{tmp_path}").kind is Kind.BAZAAR


@pytest.mark.parametrize("text", ["ftp://host/nova", "no/such/folder", "pypi:keystone==30.0.0", "pypi:nova", "lp:"])
def test_another_text_is_rejected(text: str) -> None:
    """The error lists the allowed forms."""
    with pytest.raises(UsageError, match="is neither a folder nor the address of a source tree; allowed: a git address"):
        read_address(text)


def test_credentials_are_hidden() -> None:
    """The displayed address contains neither user name nor token."""
    assert read_address("https://me:hush@host/nova#x").shown == "https://host/nova#x"
    assert read_address("pypi:nova==34.0.0").shown == "pypi:nova==34.0.0"
