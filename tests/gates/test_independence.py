"""novaflow/ does not know OpenStack: only workflows/ does."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

WORDS = (
    "barbican", "ceph", "cinder", "ec2", "glance", "heat", "horizon", "keystone", "libvirt", "mariadb", "neutron", "nova", "openstack",
    "openvswitch", "oslo", "ovn", "placement", "s3", "swift",
)  # fmt: skip
WORD = re.compile(rf"(?<![\w.])({'|'.join(WORDS)})(?![\w])", re.IGNORECASE)
COMPATIBLE = re.compile(r"\bnova\.sh\b")  # the script whose commands and names novaflow keeps

ALLOWED: Mapping[str, str] = {
    "cli/": "help texts, examples and next steps are written for users of OpenStack Nova",
    "testing.py": "fixtures for projects that test against OpenStack Nova",
    "settings/core.py": "SCREEN_NAME has the default of nova.sh",
}


def find_words(text: str) -> list[str]:
    """Return the words of OpenStack in a text, with their lines."""
    lines = enumerate(COMPATIBLE.sub("", text).splitlines(), start=1)
    return [f"line {number}: {word}" for number, line in lines for word in WORD.findall(line)]


@pytest.mark.parametrize("path", sorted((ROOT / "novaflow").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_does_not_know_openstack(path: Path) -> None:
    """Its services and their fields have their places in components."""
    name = path.relative_to(ROOT / "novaflow").as_posix()
    if not name.startswith(tuple(ALLOWED)):
        assert find_words(path.read_text()) == []


def test_words_are_found() -> None:
    """Whole words count, in any case; nova.sh and novaflow are other words."""
    assert find_words("x\nKeystone answers\n") == ["line 2: Keystone"]
    assert find_words("nova.sh, novaflow, heater, nova_api") == []
    assert find_words("nova-api and nova's") == ["line 1: nova", "line 1: nova"]
