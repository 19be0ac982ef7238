"""What a stack leaves: which links are whose."""

import pytest

from workflows.platform.orphans import links_of


@pytest.mark.parametrize(
    ("port", "links"),
    [
        ("qvo1234abcd-ef", ["qvo1234abcd-ef", "qvb1234abcd-ef", "qbr1234abcd-ef", "tap1234abcd-ef"]),
        ("tap1234abcd-ef", ["tap1234abcd-ef"]),
        ("qr-1234abcd-ef", ["qr-1234abcd-ef"]),
    ],
)
def test_a_ports_links_are_known_from_its_name(port: str, links: list[str]) -> None:
    """A server's port comes with its bridge, its cable and its tap; others are what they are."""
    assert links_of(port) == links
