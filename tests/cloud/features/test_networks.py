"""Networks of a user's own: without a router, with IPv6, several cards, trunks, security groups, and ports without them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import openstack
import pytest

from tests.cloud.clients import BOOT_S, Guest, console, guest, server, wait_for
from tests.cloud.features.openstack_client import OpenStackClient, Refused

pytestmark = [pytest.mark.cloud, pytest.mark.long, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]

LEASE = "udhcpc -n -q -t 20 -T 1 -s /etc/lease -i"  # and a card: leases an address, and configures it
VLAN = 101
PREFIX_V6, GATEWAY_V6 = "fd77::", "fd77::1"


@dataclass(frozen=True, slots=True)
class Network:
    """A network of a test, with a range of addresses that no other has."""

    id: str
    subnet: str
    prefix: str  # of its addresses, up to the last dot


@pytest.fixture(scope="module")
def web(nova: openstack.connection.Connection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """Return a server in the network `private`, with a floating address."""
    with guest(nova, tmp_path_factory.mktemp("keys"), "features") as server:
        yield server


@contextmanager
def network(client: OpenStackClient, name: str, number: int, *options: str) -> Iterator[Network]:
    """Return a network with a subnet of its own, ``number``, which no router is connected to."""
    with client.temporary("network", name) as created:
        prefix = f"10.77.{number}"
        subnet = client.read("subnet", "create", name, "--network", created["id"], "--subnet-range", f"{prefix}.0/24", *options)["id"]
        yield Network(created["id"], subnet, prefix)


@contextmanager
def attached(client: OpenStackClient, web: Guest, kind: str, name: str) -> Iterator[None]:
    """Give the server a second card, for a network or a port, for the block."""
    client.run("server", "add", kind, web.id, name)
    try:
        wait_for("the card", lambda: "eth1" in web.run("ls /sys/class/net"))
        web.run("ip link set eth1 up")
        yield
    finally:
        client.run("server", "remove", kind, web.id, name)
        wait_for("the removal of the card", lambda: "eth1" not in web.run("ls /sys/class/net"))


def private_address(server: Guest) -> str:
    """Return the fixed address of a server's first card."""
    return server.run("ip -4 -o addr show dev eth0").split()[3].partition("/")[0]


def reaches(server: Guest, address: str) -> bool:
    """Return whether an answer comes to one of three pings."""
    return "reached" in server.run(f"ping -c 3 -W 1 {address} >/dev/null 2>&1 && echo reached || true")


def test_a_network_without_a_router_has_metadata(client: OpenStackClient, nova: openstack.connection.Connection) -> None:
    """The server has its id from 169.254.169.254."""
    with network(client, "isolated", 1) as isolated, server(nova, "isolated", networks=[{"uuid": isolated.id}]) as created:
        wait_for("metadata", lambda: "tty: metadata says instance-id i-" in console(nova, created.id), BOOT_S)


def test_a_card_is_attached_and_detached(client: OpenStackClient, web: Guest) -> None:
    """The running server has a second card with an address of its network, until it is removed."""
    with network(client, "second", 2, "--gateway", "none") as second, attached(client, web, "network", second.id):
        web.run(f"{LEASE} eth1")
        assert f"inet {second.prefix}." in web.run("ip -4 -o addr show dev eth1")


def test_a_port_without_port_security_sends_from_any_address(
    client: OpenStackClient, nova: openstack.connection.Connection, web: Guest, tmp_path: Path
) -> None:
    """With it, an address that neutron has not assigned is not reached."""
    other = "10.0.0.250"
    with guest(nova, tmp_path, "open") as server:
        assert reaches(web, private_address(server))
        server.run(f"ip addr add {other}/32 dev eth0")
        assert not reaches(web, other)
        (row,) = client.read("port", "list", "--server", server.id)
        client.run("port", "set", row["ID"], "--no-security-group", "--disable-port-security")
        wait_for("the address", lambda: reaches(web, other))


def test_a_security_group_of_ones_own_opens_a_port(client: OpenStackClient, web: Guest) -> None:
    """While the server is a member of the group, which cannot be deleted as long."""
    web.run("mkdir -p /own && echo own >/own/index.html && httpd -p 8090 -h /own")
    assert web.fetch(8090) == ""
    with client.temporary("security group", "own") as group:
        client.run("security", "group", "rule", "create", group["id"], "--protocol", "tcp", "--dst-port", 8090)
        client.run("server", "add", "security", "group", web.id, group["id"])
        wait_for("the open port", lambda: web.fetch(8090) == "own\n")
        with pytest.raises(Refused, match="in use"):
            client.run("security", "group", "delete", group["id"])
        client.run("server", "remove", "security", "group", web.id, group["id"])
        wait_for("the closed port", lambda: web.fetch(8090) == "")


def test_a_trunk_carries_several_networks(client: OpenStackClient, web: Guest) -> None:
    """A VLAN of the card is in the network of the subport, whose server it reaches."""
    with (
        network(client, "trunk", 3, "--gateway", "none") as first,
        network(client, "tagged", 4, "--gateway", "none") as tagged,
        client.temporary("port", "child", "--network", tagged.id) as child,
        client.temporary("port", "parent", "--network", first.id) as parent,
        client.temporary("network trunk", "trunk", "--parent-port", parent["id"]),
        attached(client, web, "port", parent["id"]),
    ):
        client.run("network", "trunk", "set", "trunk", "--subport", f"port={child['id']},segmentation-type=vlan,segmentation-id={VLAN}")
        web.run(f"ip link add link eth1 name v{VLAN} type vlan id {VLAN}")
        web.run(f"ip link set v{VLAN} address {child['mac_address']} && ip link set v{VLAN} up && {LEASE} v{VLAN}")
        assert f"inet {tagged.prefix}." in web.run(f"ip -4 -o addr show dev v{VLAN}")
        wait_for("the trunk", lambda: client.read("network", "trunk", "show", "trunk")["status"] == "ACTIVE")
        client.run("network", "trunk", "unset", "trunk", "--subport", child["id"])


def test_servers_of_an_ipv6_network_reach_their_router(client: OpenStackClient, web: Guest) -> None:
    """The card has an address of the prefix that the router advertises."""
    with network(client, "six", 5, "--gateway", "none") as six:
        modes = ("--ip-version", 6, "--ipv6-ra-mode", "slaac", "--ipv6-address-mode", "slaac")
        addresses = ("--subnet-range", f"{PREFIX_V6}/64", "--gateway", GATEWAY_V6)
        subnet = client.read("subnet", "create", "six-v6", "--network", six.id, *modes, *addresses)["id"]
        with client.temporary("router", "six"), connected_to(client, "six", subnet), attached(client, web, "network", six.id):
            wait_for("the address", lambda: f"inet6 {PREFIX_V6}" in web.run("ip -6 -o addr show dev eth1"))
            (row,) = client.read("port", "list", "--server", web.id, "--network", six.id)
            (address,) = (fixed["ip_address"] for fixed in row["Fixed IP Addresses"] if fixed["subnet_id"] == subnet)
            assert f" {address}/64 " in web.run("ip -6 -o addr show dev eth1 scope global")
            wait_for("the router", lambda: "reached" in web.run(f"ping -6 -c 1 -W 2 {GATEWAY_V6} >/dev/null 2>&1 && echo reached || true"))


@contextmanager
def connected_to(client: OpenStackClient, router: str, subnet: str) -> Iterator[None]:
    """Connect the router to the subnet for the block."""
    client.run("router", "add", "subnet", router, subnet)
    try:
        yield
    finally:
        client.run("router", "remove", "subnet", router, subnet)


def test_a_project_without_a_network_gets_one(client: OpenStackClient, nova: openstack.connection.Connection) -> None:
    """A server that names no network is in one that has been created for its project, and has a floating address through its router."""
    with client.temporary("project", "na-new") as project:
        client.run("role", "add", "--user", "admin", "--project", project["id"], "admin")
        inside = ("--os-project-name", "na-new")
        try:
            shown = client.read(*inside, "server", "create", "--image", "ami-tty", "--flavor", "m1.tiny", "--wait", "na-server")
            try:
                wait_for("the lease", lambda: "tty: lease of 10.64." in console(nova, shown["id"]), BOOT_S)
                address = client.read(*inside, "floating", "ip", "create", "public")["floating_ip_address"]
                client.run(*inside, "server", "add", "floating", "ip", shown["id"], address)
                client.run(*inside, "floating", "ip", "delete", address)
            finally:
                client.run(*inside, "server", "delete", "--wait", shown["id"])
        finally:
            client.run("network", "auto", "allocated", "topology", "delete", "--project", project["id"])
