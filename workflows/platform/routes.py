"""The routes and the addresses of this machine, as the kernel reports them."""

import ipaddress
import socket
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import psutil

ROUTES, ROUTES_V6 = Path("/proc/net/route"), Path("/proc/net/ipv6_route")
FAMILIES = {socket.AF_INET, socket.AF_INET6}

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Route:
    """A network and the name of the interface that it is reached through."""

    interface_name: str
    network: Network

    @property
    def is_default(self) -> bool:
        """Return whether it is a default route."""
        return self.network.prefixlen == 0


def read_routes() -> list[Route]:
    """Return the IPv4 and IPv6 routes of this machine, except loopback, multicast and link-local ones of IPv6."""
    return [*_read_v4(), *_read_v6()]


def find_overlap(addresses: Network, *, ignored_interface: str) -> Route | None:
    """Return a route to some of the addresses, ``None`` if there is none; default routes and ``ignored_interface`` do not count."""
    others = (route for route in read_routes() if route.interface_name != ignored_interface and not route.is_default)
    return next((route for route in others if route.network.version == addresses.version and route.network.overlaps(addresses)), None)


def find_uses(interface_name: str) -> list[str]:
    """Return what this machine uses the interface for, each use as a predicate such as "has the address 10.1.0.5"."""
    is_default = any(route.interface_name == interface_name and route.is_default for route in read_routes())
    addresses = [
        ipaddress.ip_address(one.address.partition("%")[0])
        for one in psutil.net_if_addrs().get(interface_name, ())
        if one.family in FAMILIES
    ]
    # Every interface with IPv6 has a link-local address, used or not.
    uses = [f"has the address {address}" for address in addresses if not address.is_link_local]
    return ["carries the default route", *uses] if is_default else uses


def _read_v4() -> list[Route]:
    found = []
    for line in ROUTES.read_text().splitlines()[1:]:
        interface_name, target, *_, mask = line.split()[:8]
        found.append(Route(interface_name, IPv4Network((_read_address(target), _read_address(mask)))))
    return found


def _read_address(text: str) -> str:
    """Return an address of /proc/net/route, which is hexadecimal and little-endian on x86."""
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(text)))


def _read_v6() -> list[Route]:
    if not ROUTES_V6.exists():  # a kernel without IPv6
        return []
    lines = (line.split() for line in ROUTES_V6.read_text().splitlines())
    routes = (Route(fields[-1], IPv6Network((bytes.fromhex(fields[0]), int(fields[1], 16)))) for fields in lines)
    return [route for route in routes if route.interface_name != "lo" and not (route.network.is_multicast or route.network.is_link_local)]
