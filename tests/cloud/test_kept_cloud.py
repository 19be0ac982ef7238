"""The cloud is the same after `clean` and `up`, and after a restart of the machine."""

# ruff: noqa: S603, S607, TID251 - tests start known programs

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import openstack
import pytest

from tests.cloud.clients import BOOT_S, TIMEOUT_S, Guest, connected, guest, wait_for
from tests.cloud.machine_state import processes_of, read_state
from tests.cloud.stacks import UP_WITHIN_S, Stack
from tests.cloud.test_volumes import DEVICE, temporary_volume
from workflows.services.objectstore.presigned import presign

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
STORE = "http://127.0.0.1:3333"


@pytest.fixture(scope="module")
def nova(stack: Stack) -> Iterator[openstack.connection.Connection]:
    """Return a connection of openstacksdk."""
    stack.up()
    with connected(stack.folder / "credentials") as connection:
        yield connection


@pytest.fixture(scope="module")
def kept(nova: openstack.connection.Connection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """Return a server with a floating address and a volume, on which the server has written."""
    with temporary_volume(nova, name="kept") as volume, guest(nova, tmp_path_factory.mktemp("keys"), "kept") as server:
        storage: Any = nova.block_storage
        nova.compute.create_volume_attachment(server.id, volume_id=volume)
        storage.wait_for_status(storage.get_volume(volume), "in-use", wait=TIMEOUT_S)
        server.run(f"until test -b {DEVICE}; do sleep 0.1; done; echo durable >{DEVICE}; sync")
        yield server
        nova.compute.delete_volume_attachment(server.id, volume)
        storage.wait_for_status(storage.get_volume(volume), "available", wait=TIMEOUT_S)


def curl(*arguments: str) -> str:
    """Send a request with curl, and return the body of the response."""
    command = ("curl", "--silent", "--fail", *arguments)
    return subprocess.run(command, capture_output=True, check=True, text=True, timeout=TIMEOUT_S).stdout


def describe(nova: openstack.connection.Connection, server: Guest) -> dict[str, object]:
    """Return what the APIs report about the cloud and its server."""
    compute, network, storage = nova.compute, nova.network, nova.block_storage
    found = compute.get_server(server.id)
    return {
        "server": (found.id, found.status, found.addresses, found.key_name),
        "volumes": sorted((volume.id, volume.status) for volume in storage.volumes()),
        "images": sorted((image.id, image.name, image.status) for image in nova.image.images()),
        "flavors": sorted(flavor.id for flavor in compute.flavors()),
        "networks": sorted((each.id, each.name) for each in network.networks()),
        "subnets": sorted(each.id for each in network.subnets()),
        "routers": sorted(each.id for each in network.routers()),
        "floating": sorted((each.id, each.floating_ip_address) for each in network.ips()),
        "rules": sorted(each.id for each in network.security_group_rules()),
        "keys": sorted(each.name for each in compute.keypairs()),
    }


def require_reached(server: Guest) -> None:
    """Wait until the server answers a ping and a login, and check what it had written on its volume."""
    ping = ("/bin/busybox", "ping", "-c", "1", "-W", "1", server.address)
    wait_for("a ping", lambda: subprocess.run(ping, capture_output=True, check=False, timeout=TIMEOUT_S).returncode == 0, BOOT_S)
    wait_for("ssh", server.is_reachable, BOOT_S)
    assert server.run(f"head -c 7 {DEVICE}") == "durable"


def test_clean_and_up_keep_the_cloud(stack: Stack, nova: openstack.connection.Connection, kept: Guest) -> None:
    """The same server runs again, with its address, its volume and everything around it; objects are kept, too.

    Between both, commands that would delete the cloud are refused.
    """
    for name, content in (("kept", ""), ("kept/text", "an object")):
        curl("--request", "PUT", "--header", "Content-Type:", "--data-binary", content, signed(stack, "PUT", name))
    before = describe(nova, kept)
    stack("clean")
    assert read_state() - stack.before == set()
    require_refusals(stack)
    stack("up", within_s=UP_WITHIN_S)
    assert describe(nova, kept) == before
    require_reached(kept)
    assert curl(signed(stack, "GET", "kept/text")) == "an object"
    stack("verify")


def signed(stack: Stack, method: str, name: str) -> str:
    """Return the presigned address of a bucket or an object."""
    secrets = json.loads((stack.folder / "credentials/secrets.json").read_text())
    return presign(method, f"{STORE}/{name}", secrets["ec2-access"], secrets["ec2-secret"])


def require_refusals(stack: Stack) -> None:
    """Try to delete the stopped cloud without --yes, and to start it with a setting that it cannot have; nothing is changed."""
    refused = stack("run", "--wait-ready", good=False)
    assert (refused.returncode, refused.stdout) == (2, "a fresh start of nova deletes 1 server and 1 volume\n")
    assert refused.stderr == "novaflow: nothing was deleted; add --yes to delete them, or keep them with `novaflow up`\n"
    refused = stack("up", "--set", "FIXED_RANGE=10.9.0.0/24", good=False)
    assert refused.returncode == 2
    assert f"FIXED_RANGE is 10.9.0.0/24, but the cloud in {stack.folder} was created with 10.0.0.0/24; " in refused.stderr


@contextmanager
def other_boot(folder: Path) -> Iterator[None]:
    """Change the id of the boot during the block, as a restart of the machine does."""
    (folder / "boot-id").write_text("5f0c7a3e-6f0b-4f0e-9d55-3c1d1d1b7a11\n")
    subprocess.run(["mount", "--bind", folder / "boot-id", BOOT_ID], check=True, timeout=TIMEOUT_S)
    try:
        yield
    finally:
        subprocess.run(["umount", BOOT_ID], check=True, timeout=TIMEOUT_S)


def cut_power(stack: Stack) -> None:
    """Kill every program of the stack at once, and remove what the kernel forgets when the machine restarts."""
    for pid in processes_of(stack.folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for("the exit of all programs", lambda: not processes_of(stack.folder))
    for line in sorted(read_state() - stack.before):
        kind, _, name = line.partition(" ")
        if kind in {"link", "namespace"}:
            command = ("netns", "delete") if kind == "namespace" else ("link", "delete")
            # A link that was inside a namespace, or is the other end of a pair, has been deleted with it.
            subprocess.run(["ip", *command, name], check=False, capture_output=True, timeout=TIMEOUT_S)


def test_the_cloud_is_kept_over_a_restart_of_the_machine(
    stack: Stack, nova: openstack.connection.Connection, kept: Guest, tmp_path: Path
) -> None:
    """Every process is killed, links and namespaces are removed, and the boot id is another one; `up` brings back the same cloud."""
    before = describe(nova, kept)
    cut_power(stack)
    with other_boot(tmp_path):
        status = stack("status", good=False)
        assert status.returncode == 3
        stack("up", within_s=UP_WITHIN_S)
        assert describe(nova, kept) == before
        require_reached(kept)
        stack("clean")
    stack("up", within_s=UP_WITHIN_S)
    require_reached(kept)
