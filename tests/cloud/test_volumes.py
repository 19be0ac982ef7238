"""Volumes: made, attached, written from inside a server, moved to another, kept as a snapshot, deleted."""

from pathlib import Path

import openstack
import pytest

from tests.cloud.clients import PATIENCE_S, Guest, connected, guest
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]
DISK = "/dev/vdb"


def attached(cloud: openstack.connection.Connection, server: Guest, volume_id: str, command: str) -> str:
    """Run a command in the server while it has the volume, and return what it printed."""
    volume = cloud.block_storage.get_volume(volume_id)
    cloud.compute.create_volume_attachment(server.id, volume_id=volume_id)
    cloud.block_storage.wait_for_status(volume, "in-use", wait=PATIENCE_S)
    # The server sees it a moment after cinder says so; what was written too early would be a file of that name.
    said = server.run(f"until test -b {DISK}; do sleep 0.1; done; {command}")
    cloud.compute.delete_volume_attachment(server.id, volume_id)
    cloud.block_storage.wait_for_status(volume, "available", wait=PATIENCE_S)
    return said


def test_what_one_server_writes_another_reads(cloud: Stack, tmp_path: Path) -> None:
    """A volume keeps what was written when it goes from one server to another; then a snapshot and the volume go."""
    with connected(cloud.folder / "credentials") as client:
        volume = client.block_storage.create_volume(size=1, name="moved")
        try:
            client.block_storage.wait_for_status(volume, "available", wait=PATIENCE_S)
            with guest(client, tmp_path, "writer") as writer:
                attached(client, writer, volume.id, f"echo kept >{DISK}; sync")
                assert DISK not in writer.run("ls /dev/vd*")
            with guest(client, tmp_path, "reader") as reader:
                assert attached(client, reader, volume.id, f"head -n 1 {DISK}") == "kept\n"
            snapshot = client.block_storage.create_snapshot(volume_id=volume.id, name="moved")
            client.block_storage.wait_for_status(snapshot, "available", wait=PATIENCE_S)
            client.block_storage.delete_snapshot(snapshot.id)
            client.block_storage.wait_for_delete(snapshot, wait=PATIENCE_S)
        finally:
            client.block_storage.delete_volume(volume.id)
        client.block_storage.wait_for_delete(volume, wait=PATIENCE_S)


def test_a_volume_larger_than_the_backend_is_refused(cloud: Stack) -> None:
    """The volume ends in state error, and nothing of it is left when it is deleted."""
    with connected(cloud.folder / "credentials") as client:
        volume = client.block_storage.create_volume(size=900, name="large")
        client.block_storage.wait_for_status(volume, "error", failures=["available"], wait=PATIENCE_S)
        client.block_storage.delete_volume(volume.id)
        client.block_storage.wait_for_delete(volume, wait=PATIENCE_S)
