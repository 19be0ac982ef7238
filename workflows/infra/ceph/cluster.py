"""The stack's Ceph: one of each daemon, in one folder, all in userspace."""

import base64
import os
import struct
import time
import uuid
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.paths import Paths

POOL = "volumes"
SIZE_GIB = 20  # of the sparse file that holds all volumes
MONITOR_PORTS = (3300, 6789)  # the messenger's second version and its first, which the emulator still speaks
SECRET = uuid.uuid5(uuid.NAMESPACE_DNS, "novaflow.volumes")  # the name libvirt knows the key by
CAPABILITIES = {
    "mon.": {"mon": "allow *"},
    "client.admin": {"mon": "allow *", "osd": "allow *", "mgr": "allow *"},
    "osd.0": {"mon": "allow profile osd", "osd": "allow *", "mgr": "allow profile osd"},
    "mgr.a": {"mon": "allow profile mgr", "osd": "allow *"},
    "client.cinder": {"mon": "profile rbd", "osd": "profile rbd", "mgr": "profile rbd"},
}
_AES, _KEY_BYTES = 1, 16  # Source: CryptoKey::encode in Ceph's src/auth/Crypto.h


def ceph_config(paths: Paths) -> Path:
    """Return Ceph's configuration; sockets, keys, data and logs follow it."""
    return paths.etc / "ceph" / "ceph.conf"


def keyring(paths: Paths, name: str) -> Path:
    """Return the file with the key of a daemon or a client."""
    return paths.etc / "ceph" / f"{name}.keyring"


def cluster_id(paths: Paths) -> uuid.UUID:
    """Return the cluster's name for itself."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"ceph:{paths.root}")


def monitor_address(ctx: Context) -> str:
    """Return where the monitor answers."""
    second, first = MONITOR_PORTS
    return f"[v2:{ctx.settings.host_ip}:{second},v1:{ctx.settings.host_ip}:{first}]"


async def write_keys(ctx: Context) -> None:
    """Make a key for everyone, and write who may do what."""
    rings = {name: _render(name, _new_key(), allowed) for name, allowed in CAPABILITIES.items()}
    for name, ring in rings.items():
        await ctx.write(keyring(ctx.paths, name), ring, 0o600)
    await ctx.write(keyring(ctx.paths, "all"), "".join(rings.values()), 0o600)


def read_key(paths: Paths, name: str) -> str:
    """Return a key as its file has it."""
    line = next(line for line in keyring(paths, name).read_text().splitlines() if "key = " in line)
    return line.partition("key = ")[2]


def _new_key() -> str:
    return base64.b64encode(struct.pack("<HIIH", _AES, int(time.time()), 0, _KEY_BYTES) + os.urandom(_KEY_BYTES)).decode()


def _render(name: str, key: str, allowed: dict[str, str]) -> str:
    return "\n".join([f"[{name}]", f"\tkey = {key}", *(f'\tcaps {kind} = "{what}"' for kind, what in allowed.items())]) + "\n"
