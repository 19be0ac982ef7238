"""The ways this machine knows, and the addresses it has: asked of the kernel."""

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
    """A network and the card it is reached over."""

    interface_name: str
    network: Network

    @property
    def is_default(self) -> bool:
        """Return whether it is the way to everywhere else."""
        return self.network.prefixlen == 0


def read_routes() -> list[Route]:
    """Return this machine's routes of both families, but for those to itself."""
    return [*_read_v4(), *_read_v6()]


def find_overlap(addresses: Network, *, but: str) -> Route | None:
    """Return a route to some of the addresses, ``None`` if there is none; the default one and those over ``but`` do not count."""
    others = (route for route in read_routes() if route.interface_name != but and not route.is_default)
    return next((route for route in others if route.network.version == addresses.version and route.network.overlaps(addresses)), None)


def find_uses(interface_name: str) -> list[str]:
    """Return what the machine itself needs the card for, each in a few words."""
    uses = (
        ["it carries the default route"]
        if any(route.interface_name == interface_name and route.is_default for route in read_routes())
        else []
    )
    has = [
        ipaddress.ip_address(one.address.partition("%")[0])
        for one in psutil.net_if_addrs().get(interface_name, ())
        if one.family in FAMILIES
    ]
    # What every card of IPv6 gives itself is no use of it.
    return [*uses, *(f"it has the address {address}" for address in has if not address.is_link_local)]


def _read_v4() -> list[Route]:
    found = []
    for line in ROUTES.read_text().splitlines()[1:]:
        interface_name, target, *_, mask = line.split()[:8]
        found.append(Route(interface_name, IPv4Network((_read_address(target), _read_address(mask)))))
    return found


def _read_address(text: str) -> str:
    """Return an address of /proc/net/route, which is hexadecimal and in the processor's order of bytes."""
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(text)))


def _read_v6() -> list[Route]:
    if not ROUTES_V6.exists():  # a kernel without IPv6
        return []
    words = (line.split() for line in ROUTES_V6.read_text().splitlines())
    routes = (Route(fields[-1], IPv6Network((bytes.fromhex(fields[0]), int(fields[1], 16)))) for fields in words)
    return [route for route in routes if route.interface_name != "lo" and not (route.network.is_multicast or route.network.is_link_local)]
