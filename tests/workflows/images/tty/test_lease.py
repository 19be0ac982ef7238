"""The script of the tty image that configures a lease, called by a DHCP client that a server answers."""

# ruff: noqa: S603, TID251 - tests start known programs

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import workflows.images.tty

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("busybox") or not shutil.which("dnsmasq"), reason="needs busybox and dnsmasq"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for namespaces"),
]

SCRIPT = Path(workflows.images.tty.__file__).with_name("tty-lease.sh")
CLIENT = Path(workflows.images.tty.__file__).with_name("tty-init.sh")
NETWORK = "10.77.0"
# $1: the script of the client; the rest: options of the server. Its files are those of this mount namespace. The link of the server
# is in this namespace, and that of the client in another one, where it is called eth0.
IN_NAMESPACE = f"""
set -eu
script=$1; shift
mount --make-rprivate /
mount -t tmpfs none /run
install -m 755 "$script" /run/lease
touch /run/resolv.conf && mount --bind /run/resolv.conf "$(readlink -f /etc/resolv.conf)"
mkdir /run/netns && ip netns add client
ip link add server type veth peer name eth0 netns client
ip address add {NETWORK}.2/24 dev server && ip link set server up
ip -n client link set eth0 up
dnsmasq --conf-file=/dev/null --keep-in-foreground --port=0 --interface=server --leasefile-ro --user=root \
    --dhcp-range={NETWORK}.9,{NETWORK}.9,255.255.255.0 --no-ping "$@" 2>/run/server.log &
ip netns exec client busybox udhcpc -i eth0 -q -n -t 20 -T 1 -A 1 -S -O staticroutes -s /run/lease >&2
kill $!
ip -n client -4 route show dev eth0
echo "-- $(cat /run/resolv.conf)"
"""


def routes_of_lease(*options: str) -> list[str]:
    """Return the routes that a client configures with a lease that has these options, and its name servers."""
    argv = ["unshare", "--net", "--mount", "sh", "-c", IN_NAMESPACE, "sh", str(SCRIPT), *(f"--dhcp-option={option}" for option in options)]
    completed = subprocess.run(argv, capture_output=True, check=False, text=True, timeout=50)
    assert completed.returncode == 0, completed.stderr
    return [line.partition(" proto")[0].strip() for line in completed.stdout.splitlines()]


def test_a_router_becomes_the_default_route() -> None:
    """The lease also has the name servers."""
    routes = routes_of_lease(f"option:router,{NETWORK}.1", "option:dns-server,192.0.2.1,192.0.2.2")
    assert routes == [f"default via {NETWORK}.1", f"{NETWORK}.0/24", "-- nameserver 192.0.2.1", "nameserver 192.0.2.2"]


def test_a_network_without_a_router_has_no_default_route() -> None:
    """It has a route to its own addresses alone."""
    assert routes_of_lease("option:router") == [f"{NETWORK}.0/24", "--"]


def test_static_routes_replace_the_router() -> None:
    """As neutron sends them for a network without a router; a route without a gateway is on the link."""
    static = f"option:classless-static-route,169.254.169.254/32,{NETWORK}.2,192.0.2.0/24,0.0.0.0"
    assert routes_of_lease(static, f"option:router,{NETWORK}.1") == [
        f"{NETWORK}.0/24",
        f"169.254.169.254 via {NETWORK}.2",
        "192.0.2.0/24 scope link",
        "--",
    ]


def test_the_image_asks_for_static_routes() -> None:
    """A server sends what a client asks for."""
    assert "-O staticroutes" in CLIENT.read_text()
