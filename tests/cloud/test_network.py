"""The network, whole: floating addresses, metadata, and ports that are closed until they are opened."""

# ruff: noqa: S607, TID251 - the programs tests start are their own

import json
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import openstack
import pytest

from tests.cloud.clients import Guest, connected, guest, wait_for
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]

FLOATING = IPv4Network("10.6.0.0/27")
ROOM = "mkdir /www && echo opened >/www/index.html && httpd -p 8080 -h /www && httpd -p 8081 -h /www"


@pytest.fixture(scope="module")
def nova(stack: Stack) -> Iterator[openstack.connection.Connection]:
    """Lend a connection of OpenStack's own client."""
    stack.up()
    with connected(stack.folder / "credentials") as connection:
        yield connection


@pytest.fixture(scope="module")
def web(nova: openstack.connection.Connection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """Lend a server that answers HTTP on two ports, behind a floating address."""
    with guest(nova, tmp_path_factory.mktemp("keys"), "web", script=ROOM) as server:
        yield server


def test_a_floating_address_is_reached_from_this_machine(web: Guest) -> None:
    """The server is entered over ssh, by its floating address and its key, and the server sees this machine's own address."""
    assert IPv4Address(web.address) in FLOATING
    assert web.run("echo $SSH_CLIENT").split()[0] == str(FLOATING[1])


def test_a_server_learns_of_itself(web: Guest) -> None:
    """What 169.254.169.254 tells a server is about that server, in EC2's way and in OpenStack's."""
    ask = "wget -q -O - http://169.254.169.254/"
    assert web.run(f"{ask}latest/meta-data/instance-id").startswith("i-")
    assert web.run(f"{ask}latest/meta-data/public-ipv4") == web.address
    assert json.loads(web.run(f"{ask}openstack/latest/meta_data.json"))["uuid"] == web.id
    assert web.run(f"{ask}latest/user-data").strip() == f"#!/bin/sh\n{ROOM}"


def test_a_port_is_closed_until_it_is_opened(nova: openstack.connection.Connection, web: Guest) -> None:
    """Both ports answer inside; from outside none does, then the opened one, then none again."""
    assert [web.run(f"wget -q -O - http://127.0.0.1:{port}/").strip() for port in (8080, 8081)] == ["opened", "opened"]
    assert (web.answers(8080), web.answers(8081)) == ("", "")
    group = next(nova.network.security_groups(name="default", project_id=nova.current_project_id))
    opened = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 8080, "port_range_max": 8080}
    rule = nova.network.create_security_group_rule(security_group_id=group.id, **opened)
    try:
        wait_for("the opened port", lambda: web.answers(8080) == "opened\n")
        assert web.answers(8081) == ""
    finally:
        nova.network.delete_security_group_rule(rule)
    wait_for("the closed port", lambda: web.answers(8080) == "")


def test_servers_of_one_network_reach_each_other_by_name_of_their_group_alone(
    nova: openstack.connection.Connection, web: Guest, tmp_path: Path
) -> None:
    """A server of the same group gets in by the private address, whatever is closed outside."""
    private = web.run("ip -4 -o addr show dev eth0").split()[3].partition("/")[0]
    with guest(nova, tmp_path, "neighbour") as neighbour:
        assert neighbour.run(f"timeout 10 wget -q -O - http://{private}:8080/") == "opened\n"


def test_the_machines_own_routes_are_left_alone(stack: Stack, web: Guest) -> None:
    """Of routes there is one more, to the floating addresses; nothing is forwarded and nothing hidden behind this machine."""
    assert stack.folder.exists()
    routes = subprocess.run(
        ["ip", "-4", "route", "show", "dev", "br-ex"], capture_output=True, check=True, text=True, timeout=10
    ).stdout.splitlines()
    assert [route.split()[0] for route in routes] == [str(FLOATING)]
    rules = subprocess.run(["iptables-save", "-t", "nat"], capture_output=True, check=True, text=True, timeout=10).stdout
    assert "MASQUERADE" not in rules
    assert web.run("ping -c 1 -W 2 192.0.2.1 >/dev/null 2>&1 || echo no way out").strip() == "no way out"
