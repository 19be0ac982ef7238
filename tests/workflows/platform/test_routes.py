"""Routes and addresses of this machine, as the kernel reports them."""

from ipaddress import IPv4Network

from workflows.platform.routes import Route, find_overlap, find_uses, read_routes


def test_every_route_has_an_interface_and_a_network() -> None:
    """Loopback, multicast and link-local routes of IPv6 are left out."""
    routes = read_routes()
    assert all(route.interface_name for route in routes)
    assert not any(route.network.is_link_local or route.network.is_multicast for route in routes if route.network.version == 6)


def test_a_network_overlaps_a_route_to_it() -> None:
    """Each route of this machine is found by its own network, except default routes and those of the ignored interface."""
    for route in read_routes():
        assert route.is_default or find_overlap(route.network, ignored_interface="none0") is not None
        assert find_overlap(route.network, ignored_interface=route.interface_name) != route


def test_a_network_without_route_has_no_overlap() -> None:
    """240.0.0.0/4 is reserved and routed nowhere. Source: RFC 1112, section 4."""
    assert find_overlap(IPv4Network("240.0.0.0/4"), ignored_interface="none0") is None


def test_a_network_of_prefix_0_is_a_default_route() -> None:
    """Every other one is not."""
    assert Route("eth0", IPv4Network("0.0.0.0/0")).is_default
    assert not Route("eth0", IPv4Network("10.0.0.0/8")).is_default


def test_the_uses_of_an_interface_are_predicates() -> None:
    """The loopback interface has an address; an interface that does not exist has no use."""
    assert "has the address 127.0.0.1" in find_uses("lo")
    assert find_uses("none0") == []
