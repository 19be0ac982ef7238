"""Volumes: creation, attachment, snapshots, quotas and deletion."""

# ruff: noqa: S603, TID251 - tests start known programs

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openstack
import pytest

from tests.cloud.clients import TIMEOUT_S, Guest, connected, guest
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]
DEVICE = "/dev/vdb"
TOO_LARGE_GIB = 100  # within the quota
NO_BACKEND = "schedule allocate volume:Could not find any available weighted backend."


@contextmanager
def temporary_volume(client: openstack.connection.Connection, **arguments: Any) -> Iterator[str]:
    """Return the id of a volume of 1 GiB, which is deleted at the end of the block."""
    storage: Any = client.block_storage
    volume = storage.create_volume(size=1, **arguments)
    try:
        storage.wait_for_status(volume, "available", wait=TIMEOUT_S)
        yield volume.id
    finally:
        storage.delete_volume(volume.id)
        storage.wait_for_delete(volume, wait=TIMEOUT_S)


def run_with_volume(client: openstack.connection.Connection, server: Guest, volume_id: str, command: str) -> str:
    """Run a command in the server while the volume is attached, and return its output."""
    storage: Any = client.block_storage
    client.compute.create_volume_attachment(server.id, volume_id=volume_id)
    storage.wait_for_status(storage.get_volume(volume_id), "in-use", wait=TIMEOUT_S)
    # The device appears a moment after cinder's status changes; an earlier write would create a regular file.
    output = server.run(f"until test -b {DEVICE}; do sleep 0.1; done; {command}")
    client.compute.delete_volume_attachment(server.id, volume_id)
    storage.wait_for_status(storage.get_volume(volume_id), "available", wait=TIMEOUT_S)
    assert DEVICE not in server.run("ls /dev/vd*")
    return output


def list_images(cloud: Stack) -> list[str]:
    """Return the images in the pool of volumes, as Ceph lists them."""
    command = ("rbd", "--conf", cloud.folder / "etc/ceph/ceph.conf", "--id", "cinder", "ls", "volumes")
    return subprocess.run(command, capture_output=True, check=True, text=True, timeout=TIMEOUT_S).stdout.split()


def test_a_volume_moves_between_servers(cloud: Stack, tmp_path: Path) -> None:
    """Another server reads what the first one wrote; a snapshot is not affected by later writes."""
    with connected(cloud.folder / "credentials") as client, temporary_volume(client, name="moved") as volume:
        storage: Any = client.block_storage
        with guest(client, tmp_path, "writer") as writer:
            run_with_volume(client, writer, volume, f"echo first >{DEVICE}; sync")
        snapshot = storage.create_snapshot(volume_id=volume, name="kept")
        storage.wait_for_status(snapshot, "available", wait=TIMEOUT_S)
        with guest(client, tmp_path, "reader") as reader, temporary_volume(client, name="copy", snapshot_id=snapshot.id) as copy:
            assert list_images(cloud) == sorted(f"volume-{name}" for name in (volume, copy))
            assert run_with_volume(client, reader, volume, f"head -n 1 {DEVICE}; echo second >{DEVICE}; sync") == "first\n"
            assert run_with_volume(client, reader, copy, f"head -n 1 {DEVICE}") == "first\n"
            assert run_with_volume(client, reader, volume, f"head -n 1 {DEVICE}") == "second\n"
        storage.delete_snapshot(snapshot)
        storage.wait_for_delete(snapshot, wait=TIMEOUT_S)
    assert list_images(cloud) == []


def test_a_volume_larger_than_the_backend_fails(cloud: Stack) -> None:
    """Its state becomes error, cinder has a message with the reason, and the volume can be deleted."""
    with connected(cloud.folder / "credentials") as client:
        storage: Any = client.block_storage
        volume = storage.create_volume(size=TOO_LARGE_GIB, name="large")
        storage.wait_for_status(volume, "error", failures=["available"], wait=TIMEOUT_S)
        messages = storage.get(f"/messages?resource_uuid={volume.id}", microversion="3.5").json()["messages"]
        assert [message["user_message"] for message in messages] == [NO_BACKEND]
        storage.delete_volume(volume.id)
        storage.wait_for_delete(volume, wait=TIMEOUT_S)
        assert [*storage.volumes(all_projects=True)] == []
    assert list_images(cloud) == []


def test_a_volume_beyond_the_quota_is_rejected(cloud: Stack) -> None:
    """The API returns 413 with the reason, and no volume is created."""
    with connected(cloud.folder / "credentials") as client:
        storage: Any = client.block_storage
        with pytest.raises(openstack.exceptions.HttpException, match="VolumeSizeExceedsAvailableQuota") as raised:
            storage.create_volume(size=5000, name="vast")
        assert raised.value.status_code == 413
        assert [*storage.volumes(all_projects=True)] == []


def test_terminate_deletes_volumes_and_their_snapshots(cloud: Stack) -> None:
    """After `terminate` neither cinder nor Ceph lists any."""
    with connected(cloud.folder / "credentials") as client:
        storage: Any = client.block_storage
        volume = storage.create_volume(size=1, name="left")
        storage.wait_for_status(volume, "available", wait=TIMEOUT_S)
        storage.wait_for_status(storage.create_snapshot(volume_id=volume.id), "available", wait=TIMEOUT_S)
        cloud("terminate")
        assert [*storage.volumes(all_projects=True)] == []
    assert list_images(cloud) == []
