"""Floating addresses, metadata and security groups."""

# ruff: noqa: S607, TID251 - tests start known programs

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
WEB_SERVER = "mkdir /www && echo opened >/www/index.html && httpd -p 8080 -h /www && httpd -p 8081 -h /www"


@pytest.fixture(scope="module")
def nova(stack: Stack) -> Iterator[openstack.connection.Connection]:
    """Return a connection of openstacksdk."""
    stack.up()
    with connected(stack.folder / "credentials") as connection:
        yield connection


@pytest.fixture(scope="module")
def web(nova: openstack.connection.Connection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """Return a server with a floating address and a web server on two ports."""
    with guest(nova, tmp_path_factory.mktemp("keys"), "web", script=WEB_SERVER) as server:
        yield server


def test_a_floating_address_is_reached_from_this_machine(web: Guest) -> None:
    """A login over ssh succeeds; in the server, the address of the client is that of this machine."""
    assert IPv4Address(web.address) in FLOATING
    assert web.run("echo $SSH_CLIENT").split()[0] == str(FLOATING[1])


def test_a_server_reads_its_metadata(web: Guest) -> None:
    """169.254.169.254 returns the metadata of this server in the formats of EC2 and OpenStack."""
    get = "wget -q -O - http://169.254.169.254/"
    assert web.run(f"{get}latest/meta-data/instance-id").startswith("i-")
    assert web.run(f"{get}latest/meta-data/public-ipv4") == web.address
    assert json.loads(web.run(f"{get}openstack/latest/meta_data.json"))["uuid"] == web.id
    assert web.run(f"{get}latest/user-data").strip() == f"#!/bin/sh\n{WEB_SERVER}"


def test_a_security_group_opens_a_port(nova: openstack.connection.Connection, web: Guest) -> None:
    """Both ports respond in the server; from outside, a port responds only while a rule allows it."""
    assert [web.run(f"wget -q -O - http://127.0.0.1:{port}/").strip() for port in (8080, 8081)] == ["opened", "opened"]
    assert (web.fetch(8080), web.fetch(8081)) == ("", "")
    group = next(nova.network.security_groups(name="default", project_id=nova.current_project_id))
    rule_arguments = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 8080, "port_range_max": 8080}
    rule = nova.network.create_security_group_rule(security_group_id=group.id, **rule_arguments)
    try:
        wait_for("the open port", lambda: web.fetch(8080) == "opened\n")
        assert web.fetch(8081) == ""
    finally:
        nova.network.delete_security_group_rule(rule)
    wait_for("the closed port", lambda: web.fetch(8080) == "")


def test_servers_of_one_security_group_reach_each_other(nova: openstack.connection.Connection, web: Guest, tmp_path: Path) -> None:
    """A server of the same group reaches a port that is closed for others."""
    private = web.run("ip -4 -o addr show dev eth0").split()[3].partition("/")[0]
    with guest(nova, tmp_path, "neighbour") as neighbour:
        assert neighbour.run(f"timeout 10 wget -q -O - http://{private}:8080/") == "opened\n"


def test_the_routes_of_the_machine_are_unchanged(stack: Stack, web: Guest) -> None:
    """The stack adds one route, to the floating addresses; servers have no route to other networks."""
    assert stack.folder.exists()
    routes = subprocess.run(
        ["ip", "-4", "route", "show", "dev", "br-ex"], capture_output=True, check=True, text=True, timeout=10
    ).stdout.splitlines()
    assert [route.split()[0] for route in routes] == [str(FLOATING)]
    rules = subprocess.run(["iptables-save", "-t", "nat"], capture_output=True, check=True, text=True, timeout=10).stdout
    assert "MASQUERADE" not in rules
    assert web.run("ping -c 1 -W 2 192.0.2.1 >/dev/null 2>&1 || echo unreachable").strip() == "unreachable"
