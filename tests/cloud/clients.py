"""Independent clients: openstacksdk, ssh and curl."""

# ruff: noqa: S603, S607, TID251 - tests start known programs

import base64
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import openstack
from openstack.compute.v2.server import Server

BOOT_S = 300  # with an emulated processor, on a busy machine
TIMEOUT_S = 60
POLL_S = 0.5
SSH = ("ssh", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=5")


@contextmanager
def connected(credentials: Path, cloud: str = "novaflow") -> Iterator[openstack.connection.Connection]:
    """Return a connection of openstacksdk to a cloud of the stack's clouds.yaml, by default the administrator's."""
    config = openstack.config.OpenStackConfig(config_files=[str(credentials / "clouds.yaml")])
    with openstack.connection.Connection(config=config.get_one(cloud=cloud)) as connection:
        yield connection


def wait_for(what: str, find: Callable[[], Any], within_s: float = TIMEOUT_S) -> Any:  # noqa: ANN401 - the type of the result
    """Call ``find`` until its result is true, and return the result."""
    until = time.monotonic() + within_s
    while not (found := find()):
        assert time.monotonic() < until, f"{what}: not within {within_s} s"
        time.sleep(POLL_S)
    return found


@dataclass(frozen=True, slots=True)
class Guest:
    """A server that is reachable from this machine; ``key`` is the file of its private key."""

    id: str
    address: str
    key: Path

    def run(self, command: str) -> str:
        """Run a command in the server over ssh, and return its output."""
        argv = (*SSH, "-i", str(self.key), f"root@{self.address}", command)
        return subprocess.run(argv, capture_output=True, check=True, text=True, timeout=TIMEOUT_S).stdout

    def is_reachable(self) -> bool:
        """Return whether a login over ssh succeeds."""
        argv = (*SSH, "-i", str(self.key), f"root@{self.address}", "true")
        return subprocess.run(argv, capture_output=True, check=False, timeout=TIMEOUT_S).returncode == 0

    def fetch(self, port: int) -> str:
        """Return the HTTP response of a port of the server; empty without a response."""
        argv = ("curl", "--silent", "--max-time", "3", f"http://{self.address}:{port}/")
        return subprocess.run(argv, capture_output=True, check=False, text=True, timeout=TIMEOUT_S).stdout


@contextmanager
def server(nova: openstack.connection.Connection, name: str, **arguments: Any) -> Iterator[Server]:
    """Return an ACTIVE server of the smallest flavor; ``arguments`` override its defaults."""
    image = nova.image.find_image("ami-tty", ignore_missing=False)
    private = nova.network.find_network("private", ignore_missing=False)
    new = {"name": name, "image_id": image.id, "flavor_id": "1", "networks": [{"uuid": private.id}]}
    created = nova.compute.create_server(**{**new, **arguments})
    try:
        yield nova.compute.wait_for_server(created, wait=BOOT_S)
    finally:
        nova.compute.delete_server(created)
        nova.compute.wait_for_delete(created, wait=BOOT_S)


@contextmanager
def guest(nova: openstack.connection.Connection, folder: Path, name: str, *, script: str = "", **arguments: Any) -> Iterator[Guest]:
    """Return a server with a key in ``folder`` and a floating address; it has run the script at boot."""
    key = folder / f"{name}.key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, timeout=TIMEOUT_S)
    pair = nova.compute.create_keypair(name=name, public_key=key.with_suffix(".key.pub").read_text())
    public = nova.network.find_network("public", ignore_missing=False)
    data = base64.b64encode(f"#!/bin/sh\n{script}\n".encode()).decode()
    floating = None
    try:
        with server(nova, name, key_name=name, user_data=data, **arguments) as created:
            port = next(nova.network.ports(device_id=created.id))
            floating = nova.network.create_ip(floating_network_id=public.id, port_id=port.id)
            wait_for("the boot", lambda: "user data ended with 0" in console(nova, created.id), BOOT_S)
            reachable = Guest(created.id, floating.floating_ip_address, key)
            wait_for("ssh", reachable.is_reachable, BOOT_S)  # the router learns the address after the API call
            yield reachable
    finally:
        nova.compute.delete_keypair(pair)
        if floating:
            nova.network.delete_ip(floating)


def address_of(server: Server) -> str:
    """Return the address of a server on the private network."""
    return str(server.addresses["private"][0]["addr"])


def wait_for_ping(nova: openstack.connection.Connection, server: Server) -> None:
    """Ping a server from the namespace of its network until it answers."""
    network = nova.network.find_network("private", ignore_missing=False)
    ping = ["ip", "netns", "exec", f"qdhcp-{network.id}", "/bin/busybox", "ping", "-c", "1", "-W", "1", address_of(server)]
    deadline = time.monotonic() + BOOT_S
    for _ in count():
        answer = subprocess.run(ping, capture_output=True, check=False, text=True, timeout=TIMEOUT_S)
        if answer.returncode == 0:
            return
        assert time.monotonic() < deadline, f"{address_of(server)} does not answer: {answer.stdout}{answer.stderr}"


def tty_password(folder: Path) -> str:
    """Return the password of root at the consoles of the servers of a stack."""
    return (folder / "credentials/tty-password").read_text().strip()


def virsh(folder: Path, *arguments: str) -> str:
    """Run a command of libvirt's client on the libvirt of a stack, and return its output."""
    command = ("virsh", "--connect", f"qemu+unix:///system?socket={folder}/run/libvirt/libvirt-sock", *arguments)
    return subprocess.run(command, capture_output=True, check=True, text=True, timeout=TIMEOUT_S).stdout.strip()


def serial_line(folder: Path, domain: str) -> Path:
    """Return the terminal that is connected to the serial line of a domain of the stack's libvirt."""
    return Path(virsh(folder, "ttyconsole", domain))


def console(nova: openstack.connection.Connection, server_id: str) -> str:
    """Return the output of the server's serial console."""
    output: str = nova.compute.get_server_console_output(server_id)["output"]
    return output
