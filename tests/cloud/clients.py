"""Clients that are not ours, as a user of the cloud would use them."""

# ruff: noqa: S603, S607, TID251 - the programs tests start are their own

import base64
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openstack
from openstack.compute.v2.server import Server

BOOT_S = 300  # emulated, on a machine that does other things
PATIENCE_S = 60
LOOK_EVERY_S = 0.5
SSH = ("ssh", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=5")


@contextmanager
def connected(credentials: Path) -> Iterator[openstack.connection.Connection]:
    """Lend a connection of OpenStack's own client, logged in by the stack's clouds.yaml."""
    config = openstack.config.OpenStackConfig(config_files=[str(credentials / "clouds.yaml")])
    with openstack.connection.Connection(config=config.get_one(cloud="novaflow")) as connection:
        yield connection


def wait_for(what: str, ask: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:  # noqa: ANN401 - whatever is asked for
    """Ask until the answer is true, and return it."""
    until = time.monotonic() + within_s
    while not (answer := ask()):
        assert time.monotonic() < until, f"{what}: not within {within_s} s"
        time.sleep(LOOK_EVERY_S)
    return answer


@dataclass(frozen=True, slots=True)
class Guest:
    """A server that can be reached from this machine; ``key`` is the file of the private key that may log in."""

    id: str
    address: str
    key: Path

    def run(self, command: str) -> str:
        """Run a command in the server over ssh, and return what it printed."""
        words = (*SSH, "-i", str(self.key), f"root@{self.address}", command)
        return subprocess.run(words, capture_output=True, check=True, text=True, timeout=PATIENCE_S).stdout

    def is_open(self) -> bool:
        """Return whether ssh gets in."""
        words = (*SSH, "-i", str(self.key), f"root@{self.address}", "true")
        return subprocess.run(words, capture_output=True, check=False, timeout=PATIENCE_S).returncode == 0

    def answers(self, port: int) -> str:
        """Return what curl gets from a port of the server, nothing if it gets nothing."""
        words = ("curl", "--silent", "--max-time", "3", f"http://{self.address}:{port}/")
        return subprocess.run(words, capture_output=True, check=False, text=True, timeout=PATIENCE_S).stdout


@contextmanager
def server(nova: openstack.connection.Connection, name: str, **arguments: Any) -> Iterator[Server]:
    """Lend a server that is ACTIVE: the smallest there is, but for what is asked otherwise."""
    image = nova.image.find_image("ami-tty", ignore_missing=False)
    private = nova.network.find_network("private", ignore_missing=False)
    new = {"name": name, "image_id": image.id, "flavor_id": "1", "networks": [{"uuid": private.id}]}
    made = nova.compute.create_server(**{**new, **arguments})
    try:
        yield nova.compute.wait_for_server(made, wait=BOOT_S)
    finally:
        nova.compute.delete_server(made)
        nova.compute.wait_for_delete(made, wait=BOOT_S)


@contextmanager
def guest(nova: openstack.connection.Connection, room: Path, name: str, *, script: str = "", **arguments: Any) -> Iterator[Guest]:
    """Lend a server with a key, a floating address and a script it has run at boot."""
    key = room / f"{name}.key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, timeout=PATIENCE_S)
    pair = nova.compute.create_keypair(name=name, public_key=key.with_suffix(".key.pub").read_text())
    public = nova.network.find_network("public", ignore_missing=False)
    data = base64.b64encode(f"#!/bin/sh\n{script}\n".encode()).decode()
    floating = None
    try:
        with server(nova, name, key_name=name, user_data=data, **arguments) as made:
            port = next(nova.network.ports(device_id=made.id))
            floating = nova.network.create_ip(floating_network_id=public.id, port_id=port.id)
            wait_for("the boot", lambda: "user data ended with 0" in console(nova, made.id), BOOT_S)
            lent = Guest(made.id, floating.floating_ip_address, key)
            wait_for("ssh", lent.is_open, BOOT_S)  # the router hears of the address a moment after it was given
            yield lent
    finally:
        nova.compute.delete_keypair(pair)
        if floating:
            nova.network.delete_ip(floating)


def console(nova: openstack.connection.Connection, server_id: str) -> str:
    """Return the server's console."""
    output: str = nova.compute.get_server_console_output(server_id)["output"]
    return output
