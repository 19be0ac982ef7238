"""The name servers of this machine, which servers use with NOVAFLOW_NAT."""

from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path

# systemd-resolved writes its own address, on the loopback interface, in the first file, and the real ones in the second.
RESOLVER_FILES = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


def find_resolvers(files: Sequence[Path] = RESOLVER_FILES) -> tuple[str, ...]:
    """Return the addresses of the first file that names servers which other hosts can reach over IPv4; none if no file does."""
    for file in files:
        if found := tuple(address for address in _read_addresses(file) if _is_reachable(address)):
            return found
    return ()


def _read_addresses(file: Path) -> list[str]:
    """Return the addresses of a file. Source: resolv.conf(5)."""
    if not file.is_file():
        return []
    lines = (line.split() for line in file.read_text(encoding="utf-8", errors="replace").splitlines())
    return [words[1] for words in lines if words[:1] == ["nameserver"] and len(words) > 1]


def _is_reachable(text: str) -> bool:
    try:
        address = IPv4Address(text)
    except ValueError:  # servers have no IPv6 beyond this machine
        return False
    return not address.is_loopback and not address.is_unspecified
