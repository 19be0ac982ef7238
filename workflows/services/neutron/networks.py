"""Names of the networks of every stack, and their IPv6 prefixes."""

import hashlib
import os
from ipaddress import IPv6Network

from novaflow.model.paths import Paths

PRIVATE = "private"  # the network of servers
PUBLIC = "public"  # the external network, from which floating addresses are allocated
SERVERS_PHYSICAL, EXTERNAL_PHYSICAL = "servers", "outside"  # physical networks: the bridges br-net and br-ex


def fixed_v6(paths: Paths) -> IPv6Network:
    """Return the IPv6 prefix of the network of servers."""
    return _prefix(paths, 0)


def external_v6(paths: Paths) -> IPv6Network:
    """Return the IPv6 prefix of the external network, between this machine and the router."""
    return _prefix(paths, 1)


def _prefix(paths: Paths, number: int) -> IPv6Network:
    # Derived from host and stack: well-known prefixes such as fd00::/64 are likely to be in use. Source: RFC 4193, section 3.2
    global_id = hashlib.sha256(f"{os.uname().nodename}:{paths.root}".encode()).digest()[:5]
    return IPv6Network((b"\xfd" + global_id + number.to_bytes(2, "big") + bytes(8), 64))
