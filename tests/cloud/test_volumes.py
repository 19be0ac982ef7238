"""Volumes: made, attached, written from inside a server, moved to another, kept as a snapshot, deleted."""

# ruff: noqa: S603, TID251 - the programs tests start are their own

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openstack
import pytest

from tests.cloud.clients import PATIENCE_S, Guest, connected, guest
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]
DISK = "/dev/vdb"
TOO_LARGE_GIB = 100  # of quota there is enough for it
NO_ROOM = "schedule allocate volume:Could not find any available weighted backend."


@contextmanager
def lent_volume(client: openstack.connection.Connection, **arguments: Any) -> Iterator[str]:
    """Lend the id of a volume of 1 GiB, and wait until it is gone afterwards."""
    storage: Any = client.block_storage
    volume = storage.create_volume(size=1, **arguments)
    try:
        storage.wait_for_status(volume, "available", wait=PATIENCE_S)
        yield volume.id
    finally:
        storage.delete_volume(volume.id)
        storage.wait_for_delete(volume, wait=PATIENCE_S)


def attached(client: openstack.connection.Connection, server: Guest, volume_id: str, command: str) -> str:
    """Run a command in the server while it has the volume, and return what it printed."""
    storage: Any = client.block_storage
    client.compute.create_volume_attachment(server.id, volume_id=volume_id)
    storage.wait_for_status(storage.get_volume(volume_id), "in-use", wait=PATIENCE_S)
    # The server sees it a moment after cinder says so; what was written too early would be a file of that name.
    said = server.run(f"until test -b {DISK}; do sleep 0.1; done; {command}")
    client.compute.delete_volume_attachment(server.id, volume_id)
    storage.wait_for_status(storage.get_volume(volume_id), "available", wait=PATIENCE_S)
    assert DISK not in server.run("ls /dev/vd*")
    return said


def kept_by_ceph(cloud: Stack) -> list[str]:
    """Return what lies in the pool of volumes, as Ceph's own tool sees it."""
    words = ("rbd", "--conf", cloud.folder / "etc/ceph/ceph.conf", "--id", "cinder", "ls", "volumes")
    return subprocess.run(words, capture_output=True, check=True, text=True, timeout=PATIENCE_S).stdout.split()


def test_what_one_server_writes_another_reads(cloud: Stack, tmp_path: Path) -> None:
    """A volume keeps what was written when it goes to another server; its snapshot keeps what it was, whatever is written later."""
    with connected(cloud.folder / "credentials") as client, lent_volume(client, name="moved") as volume:
        storage: Any = client.block_storage
        with guest(client, tmp_path, "writer") as writer:
            attached(client, writer, volume, f"echo first >{DISK}; sync")
        snapshot = storage.create_snapshot(volume_id=volume, name="kept")
        storage.wait_for_status(snapshot, "available", wait=PATIENCE_S)
        with guest(client, tmp_path, "reader") as reader, lent_volume(client, name="copy", snapshot_id=snapshot.id) as copy:
            assert kept_by_ceph(cloud) == sorted(f"volume-{name}" for name in (volume, copy))
            assert attached(client, reader, volume, f"head -n 1 {DISK}; echo second >{DISK}; sync") == "first\n"
            assert attached(client, reader, copy, f"head -n 1 {DISK}") == "first\n"
            assert attached(client, reader, volume, f"head -n 1 {DISK}") == "second\n"
        storage.delete_snapshot(snapshot)
        storage.wait_for_delete(snapshot, wait=PATIENCE_S)
    assert kept_by_ceph(cloud) == []


def test_a_volume_larger_than_the_backend_is_refused(cloud: Stack) -> None:
    """The volume ends in state error, its user is told why, and nothing of it is left when it is deleted."""
    with connected(cloud.folder / "credentials") as client:
        storage: Any = client.block_storage
        volume = storage.create_volume(size=TOO_LARGE_GIB, name="large")
        storage.wait_for_status(volume, "error", failures=["available"], wait=PATIENCE_S)
        told = storage.get(f"/messages?resource_uuid={volume.id}", microversion="3.5").json()["messages"]
        assert [message["user_message"] for message in told] == [NO_ROOM]
        storage.delete_volume(volume.id)
        storage.wait_for_delete(volume, wait=PATIENCE_S)
        assert [*storage.volumes(all_projects=True)] == []
    assert kept_by_ceph(cloud) == []


def test_a_volume_beyond_the_quota_is_refused(cloud: Stack) -> None:
    """The service answers 413 with its reason, and no volume is made."""
    with connected(cloud.folder / "credentials") as client:
        storage: Any = client.block_storage
        with pytest.raises(openstack.exceptions.HttpException, match="VolumeSizeExceedsAvailableQuota") as refused:
            storage.create_volume(size=5000, name="vast")
        assert refused.value.status_code == 413
        assert [*storage.volumes(all_projects=True)] == []


def test_terminate_deletes_volumes_and_their_snapshots(cloud: Stack) -> None:
    """After `terminate` neither cinder nor Ceph knows of any."""
    with connected(cloud.folder / "credentials") as client:
        storage: Any = client.block_storage
        volume = storage.create_volume(size=1, name="left")
        storage.wait_for_status(volume, "available", wait=PATIENCE_S)
        storage.wait_for_status(storage.create_snapshot(volume_id=volume.id), "available", wait=PATIENCE_S)
        cloud("terminate")
        assert [*storage.volumes(all_projects=True)] == []
    assert kept_by_ceph(cloud) == []
