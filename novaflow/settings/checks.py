"""What makes a single value legal, each refusal with its reason."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

_LEAST_ADDRESSES = 8  # network, broadcast, router, DHCP server, and a few for servers
_LONGEST_CARD_NAME = 15  # IFNAMSIZ of the kernel, without its final zero

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Clash:
    """Settings that cannot be had together; ``names`` are fields."""

    names: tuple[str, ...]
    why: str


class SettingsClash(ValueError):
    """Values that are fine one by one and cannot be had together."""

    def __init__(self, clashes: tuple[Clash, ...]) -> None:
        super().__init__("; ".join(f"{' and '.join(clash.names)}: {clash.why}" for clash in clashes))
        self.clashes = clashes


def read_range(value: str | IPv4Network) -> IPv4Network:
    """Return the network a text names."""
    try:
        addresses = IPv4Network(value, strict=False)
    except ValueError as error:
        raise ValueError(_explain_range(str(value))) from error
    if isinstance(value, str) and IPv4Address(value.partition("/")[0]) != addresses.network_address:
        message = f"it has host bits set; the network it lies in is {addresses}"
        raise ValueError(message)
    if addresses.num_addresses < _LEAST_ADDRESSES:
        message = f"it is too small: {addresses.num_addresses} addresses"
        raise ValueError(message)
    if addresses.is_loopback or addresses.is_multicast or addresses.is_link_local or addresses.network_address.is_unspecified:
        message = "servers cannot have loopback, link-local, multicast or unspecified addresses"
        raise ValueError(message)
    return addresses


def _explain_range(text: str) -> str:
    _, _, prefix = text.partition("/")
    if prefix.isdecimal():
        return (
            f"its prefix length is {prefix}, and 32 is the longest"
            if int(prefix) > IPv4Network("0.0.0.0/0").max_prefixlen
            else "it is no network"
        )
    return "it is no network"


def read_address(text: str) -> str:
    """Return an address that programs can listen on and be found at."""
    try:
        address = IPv4Address(text)
    except ValueError as error:
        message = "it is no IPv4 address"
        raise ValueError(message) from error
    if address.is_unspecified or address.is_multicast or address.is_reserved:
        message = "nobody can be found at that address"
        raise ValueError(message)
    return text


def read_card(name: str | None) -> str | None:
    """Return the name if the kernel could give it to a network card."""
    if name is not None and (len(name) > _LONGEST_CARD_NAME or not re.fullmatch(r"[^\s/:]+", name) or name in {".", ".."}):
        message = "no network card can have that name"
        raise ValueError(message)
    return name


def read_virtualisation(value: T) -> T:
    """Refuse what Nova no longer has, with the reason."""
    if value == "uml":
        message = "User Mode Linux was removed from Nova"
        raise ValueError(message)
    return value


def read_names(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Split names at commas; each counts once."""
    words = value.split(",") if isinstance(value, str) else value
    names = tuple(dict.fromkeys(word.strip() for word in words if word.strip()))
    for name in names:
        if not re.fullmatch(r"[\w-]+", name, re.ASCII):
            message = f"{name!r} cannot be a component's name"
            raise ValueError(message)
    return names


def refuse_bad_url(url: SecretStr | None) -> SecretStr | None:
    """Return the address of a broker; says nothing of what it holds, since that may be a password."""
    if url is not None:
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in {"amqp", "amqps"} or not parts.hostname:
            message = "it is no address of an AMQP broker"
            raise ValueError(message)
        _ = parts.port  # raises ValueError where it is no number
    return url
