"""Names, addresses and keys of the stack's Ceph cluster, which has one daemon of each kind."""

import base64
import os
import struct
import time
import uuid
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.paths import Paths

POOL = "volumes"
SIZE_GIB = 20  # of the sparse file that contains all volumes
MONITOR_PORTS = (3300, 6789)  # of the second version of the messenger, and of the first, which QEMU uses
SECRET = uuid.uuid5(uuid.NAMESPACE_DNS, "novaflow.volumes")  # id of the key in libvirt
CAPABILITIES = {
    "mon.": {"mon": "allow *"},
    "client.admin": {"mon": "allow *", "osd": "allow *", "mgr": "allow *"},
    "osd.0": {"mon": "allow profile osd", "osd": "allow *", "mgr": "allow profile osd"},
    "mgr.a": {"mon": "allow profile mgr", "osd": "allow *"},
    "client.cinder": {"mon": "profile rbd", "osd": "profile rbd", "mgr": "profile rbd"},
}
_AES, _KEY_BYTES = 1, 16  # Source: CryptoKey::encode in Ceph's src/auth/Crypto.h


def ceph_config(paths: Paths) -> Path:
    """Return the configuration file of Ceph."""
    return paths.etc / "ceph" / "ceph.conf"


def keyring(paths: Paths, name: str) -> Path:
    """Return the file with the key of a daemon or client."""
    return paths.etc / "ceph" / f"{name}.keyring"


def cluster_id(paths: Paths) -> uuid.UUID:
    """Return the id (fsid) of the cluster."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"ceph:{paths.root}")


def monitor_address(ctx: Context) -> str:
    """Return the addresses of the monitor, as Ceph's configuration has them."""
    second, first = MONITOR_PORTS
    return f"[v2:{ctx.settings.local_ip}:{second},v1:{ctx.settings.local_ip}:{first}]"


def created_file(paths: Paths) -> Path:
    """Return the file whose existence says that the cluster was created completely."""
    return paths.data / "ceph" / "created"


async def write_keys(ctx: Context) -> None:
    """Write a new key with its capabilities for each daemon and client."""
    keyrings = {name: _render(name, _new_key(), allowed) for name, allowed in CAPABILITIES.items()}
    for name, text in keyrings.items():
        await ctx.write(keyring(ctx.paths, name), text, 0o600, fsync=True)
    await ctx.write(keyring(ctx.paths, "all"), "".join(keyrings.values()), 0o600, fsync=True)


def read_key(paths: Paths, name: str) -> str:
    """Return the key of a daemon or client, in base64."""
    line = next(line for line in keyring(paths, name).read_text().splitlines() if "key = " in line)
    return line.partition("key = ")[2]


def _new_key() -> str:
    return base64.b64encode(struct.pack("<HIIH", _AES, int(time.time()), 0, _KEY_BYTES) + os.urandom(_KEY_BYTES)).decode()


def _render(name: str, key: str, allowed: dict[str, str]) -> str:
    return "\n".join([f"[{name}]", f"\tkey = {key}", *(f'\tcaps {kind} = "{capability}"' for kind, capability in allowed.items())]) + "\n"
