"""Network resources that a stack left: which links belong to a port."""

import pytest

from workflows.infra.openvswitch.orphans import links_of


@pytest.mark.parametrize(
    ("port", "links"),
    [
        ("qvo1234abcd-ef", ["qvo1234abcd-ef", "qvb1234abcd-ef", "qbr1234abcd-ef", "tap1234abcd-ef"]),
        ("tap1234abcd-ef", ["tap1234abcd-ef"]),
        ("qr-1234abcd-ef", ["qr-1234abcd-ef"]),
    ],
)
def test_the_name_of_a_port_determines_its_links(port: str, links: list[str]) -> None:
    """A server's port has a bridge, a veth pair and a tap; any other port is its only link."""
    assert links_of(port) == links
