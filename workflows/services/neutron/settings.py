"""Settings of servers' networks."""

import re
import socket
from collections.abc import Iterator
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from novaflow.model.settings import Settings
from novaflow.settings import Allowed, Conflict, SettingsGroup, Switch

_FEWEST_ADDRESSES = 8  # network, broadcast, router, DHCP server, and a few for servers
_ADDRESS_BITS = 32
_LONGEST_INTERFACE = 15  # IFNAMSIZ of the kernel, without its final zero


class NetMan(StrEnum):
    """The separation of servers' networks; the values are those of nova.sh."""

    VLAN = "VlanManager"  # one VLAN tag for each network
    FLAT = "FlatManager"  # one network, addresses injected
    FLAT_DHCP = "FlatDHCPManager"  # one network, addresses by DHCP


def _read_range(value: str | IPv4Network) -> IPv4Network:
    text = str(value)
    try:
        addresses = IPv4Network(text, strict=False)
    except ValueError as error:
        raise ValueError(_explain_range(text)) from error
    if IPv4Address(text.partition("/")[0]) != addresses.network_address:
        raise ValueError(f"host bits are set; the network is {addresses}")
    if addresses.num_addresses < _FEWEST_ADDRESSES:
        raise ValueError(f"too small: {addresses.num_addresses} addresses, at least {_FEWEST_ADDRESSES} are needed")
    if addresses.is_loopback or addresses.is_multicast or addresses.is_link_local or addresses.network_address.is_unspecified:
        raise ValueError("servers cannot have loopback, link-local, multicast or unspecified addresses")
    return addresses


def _explain_range(text: str) -> str:
    prefix = text.partition("/")[2]
    if prefix.isdecimal() and int(prefix) > _ADDRESS_BITS:
        return f"the prefix has {prefix} bits, an address has {_ADDRESS_BITS}"
    return "not a network"


def _read_interface(name: str | None) -> str | None:
    is_valid = name is None or (
        len(name) <= _LONGEST_INTERFACE and name.isprintable() and re.fullmatch(r"[^\s/:]+", name) and name not in {".", ".."}
    )
    if not is_valid:
        raise ValueError("not a valid name of a network interface")
    return name


_RANGE = "an IPv4 network such as 10.0.0.0/24, without host bits, with at least 8 addresses (/29)"
Range = Annotated[IPv4Network, BeforeValidator(_read_range), Allowed(_RANGE)]
Interface = Annotated[
    str | None, AfterValidator(_read_interface), Allowed("a network interface's name, as `ip link` lists it", default="none")
]


class NetworkSettings(SettingsGroup):
    """Address ranges and network interfaces of servers."""

    interface: Interface = Field(
        default=None, description="Network interface that the stack uses for floating addresses; none: none is used."
    )
    flat_interface: Interface = Field(
        default=None, description="Network interface that the stack uses for servers' networks; none: none is used."
    )
    floating_range: Range = Field(default=IPv4Network("10.6.0.0/27"), description="Floating addresses, which reach servers from outside.")
    fixed_range: Range = Field(default=IPv4Network("10.0.0.0/24"), description="Addresses that servers get at boot.")
    net_man: Annotated[NetMan, Allowed(", ".join(NetMan))] = Field(
        default=NetMan.VLAN, description="Servers' networks: one VLAN tag each, or one flat network without or with DHCP."
    )
    use_ipv6: Switch = Field(default=False, description="1: servers also get a routed IPv6 address.")
    novaflow_nat: Switch = Field(default=False, description="1: servers reach the networks of this machine, with its address.")

    def find_unavailable(self) -> Iterator[Conflict]:
        """Yield the network interfaces that do not exist."""
        existing = {name for _, name in socket.if_nameindex()}
        for setting, name in (("INTERFACE", self.interface), ("FLAT_INTERFACE", self.flat_interface)):
            if name and name not in existing:
                yield Conflict((setting,), "this machine has no such network interface; `ip link` lists them")

    def find_conflicts(self, settings: Settings) -> Iterator[Conflict]:
        """Yield the ranges that overlap, and one interface in two bridges."""
        for name, addresses in (("FIXED_RANGE", self.fixed_range), ("FLOATING_RANGE", self.floating_range)):
            if IPv4Address(settings.host_ip) in addresses:
                yield Conflict(("HOST_IP", name), "the range contains the address of this machine")
        if self.fixed_range.overlaps(self.floating_range):
            yield Conflict(("FIXED_RANGE", "FLOATING_RANGE"), "the ranges overlap")
        if self.interface and self.interface == self.flat_interface:
            yield Conflict(("INTERFACE", "FLAT_INTERFACE"), "one interface cannot be in two bridges")
