"""Volumes as a user of the `openstack` command works with them: as disks of servers, types, snapshots, transfers and quotas."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openstack
import pytest

from tests.cloud.clients import BOOT_S, TIMEOUT_S, Guest, console, guest, virsh, wait_for
from tests.cloud.features.openstack_client import OpenStackClient, Refused
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.long, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]
IMAGE_S = 300  # a GiB is read from an image, or written to it
DEVICE = "/dev/vdb"
SECTORS = "cat /sys/block/vdb/size"
GIB_SECTORS = (1 << 30) // 512
METADATA = "curl http://169.254.169.254/openstack/latest/meta_data.json"
READ = f"dd if={DEVICE} bs=512 count=1 2>/dev/null | head -n 1"  # a volume is mostly one line of zeros, too long for the memory


@pytest.fixture(scope="module")
def machine(nova: openstack.connection.Connection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """Return a running server."""
    with guest(nova, tmp_path_factory.mktemp("keys"), "va-machine") as server:
        yield server


def wait_for_volume(nova: openstack.connection.Connection, volume_id: str, status: str, within_s: float = TIMEOUT_S) -> None:
    """Wait until a volume has the status."""
    storage: Any = nova.block_storage
    storage.wait_for_status(storage.get_volume(volume_id), status, wait=within_s)


def delete_volume(nova: openstack.connection.Connection, volume_id: str) -> None:
    """Delete a volume of any project, if it is still there."""
    storage: Any = nova.block_storage
    storage.delete_volume(volume_id)
    wait_for("the end of the volume", lambda: storage.find_volume(volume_id) is None)


@contextmanager
def volume(nova: openstack.connection.Connection, client: OpenStackClient, name: str, *options: object, image: str = "") -> Iterator[str]:
    """Return the id of a volume, by default of 1 GiB and empty, that is deleted at the end of the block."""
    source, within_s = (("--image", image), IMAGE_S) if image else ((), TIMEOUT_S)
    volume_id = client.read("volume", "create", "--size", 1, *source, *options, name)["id"]
    try:
        wait_for_volume(nova, volume_id, "available", within_s)
        yield volume_id
    finally:
        delete_volume(nova, volume_id)


@contextmanager
def volume_type(client: OpenStackClient, name: str, *options: str) -> Iterator[str]:
    """Return the name of a type of volumes, which is deleted at the end of the block."""
    client.run("volume", "type", "create", *options, name)
    try:
        yield name
    finally:
        client.run("volume", "type", "delete", name)


@contextmanager
def attached(
    nova: openstack.connection.Connection, client: OpenStackClient, server: Guest, volume_id: str, *options: str
) -> Iterator[dict[str, Any]]:
    """Attach a volume for the block, at whose end the server has the device no longer."""
    attachment = client.read("server", "add", "volume", *options, server.id, volume_id)
    try:
        wait_for_volume(nova, volume_id, "in-use")
        server.run(f"until test -b {DEVICE}; do sleep 0.1; done")  # the driver needs a moment
        yield attachment
    finally:
        client.run("server", "remove", "volume", server.id, volume_id)
        wait_for("the detachment", lambda: server.id not in str(nova.block_storage.get_volume(volume_id).attachments))
        assert DEVICE not in server.run("ls /dev/vd*")


@contextmanager
def server_with_script(client: OpenStackClient, folder: Path, name: str, script: str, *options: object) -> Iterator[str]:
    """Return the id of a server that runs the script; it is deleted at the end of the block."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    always = ("--flavor", "m1.tiny", "--network", "private", "--user-data", folder / name, "--wait")
    try:
        yield client.read("server", "create", *always, *options, name)["id"]
    finally:
        client.run("server", "delete", "--wait", name)


def test_a_root_volume_outlives_its_server(nova: openstack.connection.Connection, client: OpenStackClient, tmp_path: Path) -> None:
    """A second server that boots from the volume reads the file that the first one wrote; only the second deletes it with itself."""
    storage: Any = nova.block_storage
    create = ("--image", "disk-tty", "--boot-from-volume", 1)
    with server_with_script(client, tmp_path, "va-first", "echo kept >/tmp/note; sync", *create) as first:
        (root,) = (attachment.volume_id for attachment in nova.compute.volume_attachments(first))
        wait_for("the script", lambda: "user data ended with 0" in console(nova, first), BOOT_S)
    try:
        shown = client.read("volume", "show", root)
        assert (shown["status"], shown["bootable"]) == ("available", True)
        boot = f"uuid={root},source_type=volume,destination_type=volume,boot_index=0,delete_on_termination=true"
        script = "echo note: $(cat /tmp/note) >/dev/console"
        with server_with_script(client, tmp_path, "va-second", script, "--block-device", boot) as second:
            wait_for("the script", lambda: "user data ended with 0" in console(nova, second), BOOT_S)
            assert "note: kept" in console(nova, second)
        wait_for("the end of the volume", lambda: storage.find_volume(root) is None)
    finally:
        delete_volume(nova, root)


def test_a_server_boots_from_a_volume_of_an_image(nova: openstack.connection.Connection, client: OpenStackClient, tmp_path: Path) -> None:
    """A volume that is created from an image is bootable, knows the image, and stays after its server."""
    with volume(nova, client, "va-root", image="disk-tty") as root:
        shown = client.read("volume", "show", root)
        assert (shown["bootable"], shown["volume_image_metadata"]["image_name"]) == (True, "disk-tty")
        with server_with_script(client, tmp_path, "va-image", "true", "--volume", root) as server:
            wait_for("the script", lambda: "user data ended with 0" in console(nova, server), BOOT_S)
        assert client.read("volume", "show", root)["status"] == "available"


@pytest.mark.parametrize("disk_format", ["raw", "qcow2"])
def test_a_volume_is_uploaded_as_an_image(
    nova: openstack.connection.Connection, client: OpenStackClient, machine: Guest, disk_format: str
) -> None:
    """A volume of the image has the data of the first one."""
    with volume(nova, client, "va-source") as source:
        with attached(nova, client, machine, source):
            machine.run(f"echo kept >{DEVICE}; sync")
        client.run("image", "create", "--volume", source, "--disk-format", disk_format, "va-uploaded")
        try:
            wait_for_volume(nova, source, "available", IMAGE_S)
            (uploaded,) = client.read("image", "list", "--long", "--name", "va-uploaded")
            assert (uploaded["Status"], uploaded["Disk Format"]) == ("active", disk_format)
            with volume(nova, client, "va-again", image="va-uploaded") as again, attached(nova, client, machine, again):
                assert machine.run(READ) == "kept\n"
        finally:
            client.run("image", "delete", "va-uploaded")


def test_a_volume_is_attached_and_detached(nova: openstack.connection.Connection, client: OpenStackClient, machine: Guest) -> None:
    """The server has the disk and its tag in the metadata only while it is attached; it cannot be deleted or attached twice then."""
    with volume(nova, client, "va-data") as data:
        with attached(nova, client, machine, data, "--tag", "data") as attachment:
            assert (attachment["Device"], attachment["Tag"]) == (DEVICE, "data")
            assert machine.run("cat /sys/block/vdb/serial") == data[:20]
            # The service of the metadata keeps its answer for 15 s.
            wait_for("the tag", lambda: '"tags": ["data"]' in machine.run(METADATA))
            assert f'"serial": "{data}"' in machine.run(METADATA)
            with pytest.raises(Refused, match=r"Volume status must be available or error .* must not be migrating, attached"):
                client.run("volume", "delete", data)
            with pytest.raises(Refused, match=f"volume {data} is already attached"):
                client.run("server", "add", "volume", machine.id, data)
            assert client.read("volume", "show", data)["attachments"][0]["server_id"] == machine.id
        wait_for("the end of the tag", lambda: '"devices": []' in machine.run(METADATA))


def test_an_attached_volume_grows(nova: openstack.connection.Connection, client: OpenStackClient, machine: Guest) -> None:
    """The server sees the new size without a restart, and its data is unchanged; a volume does not shrink."""
    with volume(nova, client, "va-grown") as grown, attached(nova, client, machine, grown):
        machine.run(f"echo before >{DEVICE}; sync")
        assert int(machine.run(SECTORS)) == GIB_SECTORS
        client.run("volume", "set", "--size", 2, grown)
        wait_for("the new size", lambda: int(machine.run(SECTORS)) == 2 * GIB_SECTORS)
        assert machine.run(READ) == "before\n"
        wait_for_volume(nova, grown, "in-use")
        with pytest.raises(Refused, match="New size must be greater than 2 GB"):
            client.run("volume", "set", "--size", 1, grown)


def test_two_servers_share_a_volume(nova: openstack.connection.Connection, client: OpenStackClient, machine: Guest, tmp_path: Path) -> None:
    """Each of them reads what the other one wrote to a volume of the type `multiattach`, which every cloud has."""
    with (
        guest(nova, tmp_path, "va-other") as other,
        volume(nova, client, "va-shared", "--type", "multiattach") as shared,
        attached(nova, client, machine, shared),
        attached(nova, client, other, shared),
    ):
        machine.run(f"echo from-machine >{DEVICE}; sync")
        assert other.run(READ) == "from-machine\n"
        other.run(f"echo from-other | dd of={DEVICE} bs=512 conv=sync,fsync 2>/dev/null")
        machine.run("echo 3 >/proc/sys/vm/drop_caches")  # it keeps what it wrote
        assert machine.run(READ) == "from-other\n"


def test_a_snapshot_of_an_attached_volume(nova: openstack.connection.Connection, client: OpenStackClient, machine: Guest) -> None:
    """A volume of the snapshot has the data of that moment; a volume with a snapshot is not deleted."""
    storage: Any = nova.block_storage
    with volume(nova, client, "va-source") as source:
        with attached(nova, client, machine, source):
            machine.run(f"echo first >{DEVICE}; sync")
            # `--force` has no effect in openstackclient 10.5: it leaves it to the version 3.66 of the API, but asks for 3.65.
            create = ("--os-volume-api-version", "3.66", "volume", "snapshot", "create", "--volume", source, "va-snapshot")
            snapshot = client.read(*create)["id"]
            storage.wait_for_status(storage.get_snapshot(snapshot), "available", wait=TIMEOUT_S)
            machine.run(f"echo later >{DEVICE}; sync")
        try:
            with volume(nova, client, "va-copy", "--snapshot", snapshot) as copy, attached(nova, client, machine, copy):
                assert machine.run(READ) == "first\n"
            with pytest.raises(Refused, match="have snapshots"):
                client.run("volume", "delete", source)
        finally:
            client.run("volume", "snapshot", "delete", snapshot)
            wait_for("the end of the snapshot", lambda: storage.find_snapshot(snapshot) is None)


def test_a_copy_of_a_volume(nova: openstack.connection.Connection, client: OpenStackClient, machine: Guest) -> None:
    """A volume of another volume has its data, and later writes to one do not change the other."""
    with volume(nova, client, "va-original") as original:
        with attached(nova, client, machine, original):
            machine.run(f"echo first >{DEVICE}; sync")
        with volume(nova, client, "va-clone", "--source", original) as clone:
            with attached(nova, client, machine, clone):
                assert machine.run(READ) == "first\n"
                machine.run(f"echo second >{DEVICE}; sync")
            with attached(nova, client, machine, original):
                assert machine.run(READ) == "first\n"


def test_the_qos_of_a_type_limits_its_volumes(
    cloud: Stack, nova: openstack.connection.Connection, client: OpenStackClient, machine: Guest
) -> None:
    """The hypervisor has the limit of the type's QoS for an attached volume."""
    limit = ("--consumer", "front-end", "--property", "total_iops_sec=50")
    with volume_type(client, "va-slow") as slow:
        client.run("volume", "qos", "create", *limit, "va-qos")
        try:
            client.run("volume", "qos", "associate", "va-qos", slow)
            with volume(nova, client, "va-limited", "--type", slow) as limited, attached(nova, client, machine, limited):
                assert "<total_iops_sec>50</total_iops_sec>" in virsh(
                    cloud.folder, "dumpxml", nova.compute.get_server(machine.id).instance_name
                )
        finally:
            client.run("volume", "qos", "delete", "--force", "va-qos")


def test_a_volume_gets_another_type(nova: openstack.connection.Connection, client: OpenStackClient) -> None:
    """After a retype it has the type's property."""
    with volume(nova, client, "va-changed") as changed:
        assert client.read("volume", "show", changed)["multiattach"] is False
        client.run("volume", "set", "--type", "multiattach", changed)
        wait_for("the type", lambda: nova.block_storage.get_volume(changed).volume_type == "multiattach")
        wait_for_volume(nova, changed, "available")
        assert client.read("volume", "show", changed)["multiattach"] is True


def test_a_volume_moves_to_another_project(nova: openstack.connection.Connection, client: OpenStackClient) -> None:
    """It is the other project's after that project accepted it with the key; a wrong key is refused."""
    demo = OpenStackClient(client.folder, "novaflow-demo")
    with volume(nova, client, "va-given") as given:
        request = client.read("volume", "transfer", "request", "create", given)
        assert client.read("volume", "show", given)["status"] == "awaiting-transfer"
        with pytest.raises(Refused, match="invalid auth key"):
            demo.run("volume", "transfer", "request", "accept", "--auth-key", "wrong", request["id"])
        demo.run("volume", "transfer", "request", "accept", "--auth-key", request["auth_key"], request["id"])
        assert [found["ID"] for found in demo.read("volume", "list", "--name", "va-given")] == [given]
        assert client.read("volume", "list", "--name", "va-given") == []


def test_backups_are_refused(nova: openstack.connection.Connection, client: OpenStackClient) -> None:
    """The stack has no service for them, without which a backup would be in error, and could not be deleted."""
    before = client.read("volume", "backup", "list")
    with volume(nova, client, "va-backed") as backed, pytest.raises(Refused, match="Policy doesn't allow backup:create"):
        client.run("volume", "backup", "create", backed)
    assert client.read("volume", "backup", "list") == before


@contextmanager
def quota(client: OpenStackClient, **limits: int) -> Iterator[None]:
    """Limit the project demo for the block."""
    try:
        client.run("quota", "set", *(part for name, limit in limits.items() for part in (f"--{name}", limit)), "demo")
        yield
    finally:
        client.run("quota", "delete", "demo")


def test_a_quota_limits_a_project(client: OpenStackClient) -> None:
    """What goes beyond the servers, processors, volumes or gigabytes of a project is refused; the defaults are back afterwards."""
    demo = OpenStackClient(client.folder, "novaflow-demo")
    names = ("cores", "instances", "volumes", "gigabytes")

    def limits() -> list[int]:
        shown = {row["Resource"]: row["Limit"] for row in client.read("quota", "show", "demo")}
        return [shown[name] for name in names]

    before = limits()
    create = ("server", "create", "--image", "ami-tty", "--network", "private")
    with quota(client, instances=2, cores=1, volumes=1, gigabytes=1):
        assert limits() == [1, 2, 1, 1]
        many = "Quota exceeded for cores, instances: Requested 3, 3, but already used 0, 0 of 1, 2 cores, instances"
        with pytest.raises(Refused, match=many):
            demo.run(*create, "--flavor", "m1.tiny", "--min", 3, "--max", 3, "va-many")
        with pytest.raises(Refused, match="Quota exceeded for cores: Requested 2, but already used 0 of 1 cores"):
            demo.run(*create, "--flavor", "m1.medium", "va-wide")
        with pytest.raises(Refused, match=r"exceeds allowed gigabytes quota. Requested 2G, quota is 1G"):
            demo.run("volume", "create", "--size", 2, "va-large")
    with quota(client, volumes=0), pytest.raises(Refused, match=r"Maximum number of volumes allowed \(0\) exceeded"):
        demo.run("volume", "create", "--size", 1, "va-any")
    assert limits() == before
    assert (demo.read("server", "list"), demo.read("volume", "list")) == ([], [])
