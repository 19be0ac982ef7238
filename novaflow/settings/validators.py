"""What makes a single value legal, each refusal with its reason."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

_LEAST_ADDRESSES = 8  # network, broadcast, router, DHCP server, and a few for servers
_ADDRESS_BITS = 32
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
    text = str(value)
    try:
        addresses = IPv4Network(text, strict=False)
    except ValueError as error:
        raise ValueError(_explain_no_network(text)) from error
    if IPv4Address(text.partition("/")[0]) != addresses.network_address:
        raise ValueError(f"it has host bits set; the network it lies in is {addresses}")
    if addresses.num_addresses < _LEAST_ADDRESSES:
        raise ValueError(f"it is too small, with {addresses.num_addresses} of the {_LEAST_ADDRESSES} addresses it must hold")
    if addresses.is_loopback or addresses.is_multicast or addresses.is_link_local or addresses.network_address.is_unspecified:
        raise ValueError("servers cannot have loopback, link-local, multicast or unspecified addresses")
    return addresses


def _explain_no_network(text: str) -> str:
    prefix = text.partition("/")[2]
    if prefix.isdecimal() and int(prefix) > _ADDRESS_BITS:
        return f"its prefix is {prefix} bits long, and an address has {_ADDRESS_BITS}"
    return "it is no network"


def read_address(text: str) -> str:
    """Return an address that programs can listen on and be found at."""
    try:
        address = IPv4Address(text)
    except ValueError as error:
        raise ValueError("it is no IPv4 address") from error
    if address.is_unspecified or address.is_multicast or address.is_reserved:
        raise ValueError("nobody can be found at that address")
    return text


def read_path(path: Path) -> Path:
    """Return a path that means the same to a shell and to us."""
    if path.parts[:1] and path.parts[0].startswith("~"):
        raise ValueError("nobody expands the ~ here")
    return path


def read_line(secret: SecretStr | None) -> SecretStr | None:
    """Return a password that configuration files can hold."""
    if secret is not None and not secret.get_secret_value().isprintable():
        raise ValueError("it holds a line's end or another character that does not print")
    return secret


def read_interface(name: str | None) -> str | None:
    """Return the name if the kernel could give it to a network card."""
    if name is not None and (len(name) > _LONGEST_CARD_NAME or not re.fullmatch(r"[^\s/:]+", name) or name in {".", ".."}):
        raise ValueError("no network card can have that name")
    return name


def read_virtualisation(value: T) -> T:
    """Refuse what Nova no longer has, with the reason."""
    if value == "uml":
        raise ValueError("User Mode Linux was removed from Nova")
    return value


def read_names(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Split names at commas; each counts once."""
    words = value.split(",") if isinstance(value, str) else value
    names = tuple(dict.fromkeys(word.strip() for word in words if word.strip()))
    for name in names:
        if not re.fullmatch(r"[\w-]+", name, re.ASCII):
            raise ValueError(f"{name!r} cannot be a component's name")
    return names


def read_broker(url: SecretStr | None) -> SecretStr | None:
    """Return the address of a broker; a refusal quotes nothing of it, since any of it may be a password."""
    if url is not None and not _is_broker(url.get_secret_value()):
        raise ValueError("it is no address of an AMQP broker")
    return url


def read_directory(url: str | None) -> str | None:
    """Return the address of an LDAP server, with the name of what users lie below."""
    if url is not None and not _is_directory(url):
        raise ValueError("it is no address of an LDAP server with a name below which users lie")
    return url


def _is_directory(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = "=" in parts.path and not parts.query and parts.username is None
        return parts.scheme in {"ldap", "ldaps"} and bool(parts.hostname) and parts.port != 0 and named
    except ValueError:  # a port that is no number
        return False


def _is_broker(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"amqp", "amqps"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False
