"""Images as a user of the `openstack` command works with them: formats, properties, states and sharing."""

# ruff: noqa: S603, TID251 - tests start known programs

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cloud.clients import BOOT_S, TIMEOUT_S, connected, console, server, virsh, wait_for
from tests.cloud.features.openstack_client import OpenStackClient, Refused
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.long, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]
NAME = "va-Grüße-日本語"  # of characters that have at most 3 bytes: glance refuses others
NOT_OF_ITS_FORMAT = "415.*Unsupported Media Type"
CONTENT = "va: a line that only this machine may read"


@contextmanager
def uploaded(client: OpenStackClient, file: Path, disk_format: str, name: str = "va-image", *options: str) -> Iterator[str]:
    """Return the id of an image with the content of a file; it is deleted at the end of the block."""
    container = "ami" if disk_format == "ami" else "bare"
    formats = ("--disk-format", disk_format, "--container-format", container, "--file", file)
    image = client.read("image", "create", *formats, *options, name)["id"]
    try:
        yield image
    finally:
        client.run("image", "delete", image)


def convert(cloud: Stack, target: Path, *options: str) -> Path:
    """Write the bootable tty image in another format."""
    command = ("qemu-img", "convert", "-f", "raw", *options, str(cloud.folder / "data/tty/bootable"), str(target))
    subprocess.run(command, check=True, timeout=TIMEOUT_S)
    return target


def with_other_subformat(file: Path) -> Path:
    """Change the name of the subformat in the descriptor of a VMDK: flat ones name files of the host as their content."""
    content = file.read_bytes()
    before, after = b'createType="monolithicSparse"\n', b'createType="monolithicFlat"\n\n\n'
    assert content.count(before) == 1
    file.write_bytes(content.replace(before, after))
    return file


def assert_upload_is_refused(client: OpenStackClient, file: Path, disk_format: str) -> None:
    """Upload a file, which glance refuses and does not keep as an image."""
    with pytest.raises(Refused, match=NOT_OF_ITS_FORMAT), uploaded(client, file, disk_format, "va-refused"):
        pass
    assert client.read("image", "list", "--name", "va-refused") == []


@pytest.mark.parametrize(
    ("disk_format", "subformat", "properties"),
    [
        ("qcow2", None, {"hw_disk_bus": "scsi", "hw_scsi_model": "virtio-scsi"}),
        ("vmdk", "streamOptimized", {"hw_disk_bus": "ide"}),
        ("vmdk", "monolithicSparse", {"hw_disk_bus": "sata"}),
    ],
)
def test_a_server_boots_from_an_image(
    cloud: Stack, tmp_path: Path, disk_format: str, subformat: str | None, properties: dict[str, str]
) -> None:
    """The format is converted, and the disk is at the bus that the image's property names."""
    client = OpenStackClient(cloud.folder)
    disk = convert(cloud, tmp_path / "disk", "-O", disk_format, *(("-o", f"subformat={subformat}") if subformat else ()))
    options = [part for name, value in properties.items() for part in ("--property", f"{name}={value}")]
    with (
        connected(cloud.folder / "credentials") as nova,
        uploaded(client, disk, disk_format, "va-disk", *options) as image,
        server(nova, "va-disk", image_id=image) as booted,
    ):
        wait_for("the boot", lambda: "tty: lease of" in console(nova, booted.id), BOOT_S)
        name = nova.compute.get_server(booted.id).instance_name
        domain = virsh(cloud.folder, "dumpxml", name)
        assert f"bus='{properties['hw_disk_bus']}'" in domain
        assert properties.get("hw_scsi_model", "") in domain


def test_a_disk_that_refers_to_a_file_of_this_machine_is_refused(cloud: Stack, tmp_path: Path) -> None:
    """A qcow2 with a backing file: glance refuses it, whatever its format is said to be; nova refuses it where glance does not look."""
    client = OpenStackClient(cloud.folder)
    (tmp_path / "secret").write_text(f"{CONTENT}\n" * 100)
    disk = tmp_path / "disk"
    command = ("qemu-img", "create", "-q", "-f", "qcow2", "-b", tmp_path / "secret", "-F", "raw", disk, "64M")
    subprocess.run(command, check=True, timeout=TIMEOUT_S)
    assert_upload_is_refused(client, disk, "qcow2")
    assert_upload_is_refused(client, disk, "raw")
    with uploaded(client, disk, "ami") as image:
        assert client.read_failure("--image", image, "--flavor", "m1.tiny").endswith(
            f"Image {image} is unacceptable: Image does not pass safety check"
        )
        client.run("image", "save", "--file", tmp_path / "saved", image)
    assert CONTENT.encode() not in (tmp_path / "saved").read_bytes()


def test_an_image_of_another_format_is_refused(cloud: Stack, tmp_path: Path) -> None:
    """The content is compared with the format by glance; it accepts anything as raw, which nova then refuses."""
    client = OpenStackClient(cloud.folder)
    disk = convert(cloud, tmp_path / "disk", "-O", "qcow2")
    assert_upload_is_refused(client, cloud.folder / "data/tty/bootable", "qcow2")
    assert_upload_is_refused(client, disk, "vmdk")
    with uploaded(client, disk, "raw") as image:
        assert f"Image {image} is unacceptable" in client.read_failure("--image", image, "--flavor", "m1.tiny")


def test_a_vmdk_of_another_subformat_is_refused(cloud: Stack, tmp_path: Path) -> None:
    """Neither glance nor nova accepts a VMDK that has a name for its content instead of the content."""
    client = OpenStackClient(cloud.folder)
    assert_upload_is_refused(client, convert(cloud, tmp_path / "flat", "-O", "vmdk", "-o", "subformat=monolithicFlat"), "vmdk")
    sparse = convert(cloud, tmp_path / "sparse", "-O", "vmdk", "-o", "subformat=monolithicSparse")
    disk = with_other_subformat(sparse)
    assert_upload_is_refused(client, disk, "vmdk")
    with uploaded(client, disk, "ami") as image:
        assert f"Image {image} is unacceptable" in client.read_failure("--image", image, "--flavor", "m1.tiny")


def test_a_downloaded_image_has_its_content(cloud: Stack, tmp_path: Path) -> None:
    """An image with letters of several scripts in its name is found by it, and has the hash of what was uploaded."""
    client = OpenStackClient(cloud.folder)
    (tmp_path / "disk").write_bytes(os.urandom(1 << 20))
    with uploaded(client, tmp_path / "disk", "raw", NAME, "--property", "va_note=Wörter"):
        shown = client.read("image", "show", NAME)
        client.run("image", "save", "--file", tmp_path / "saved", NAME)
        assert shown["name"] == NAME
        assert shown["properties"]["va_note"] == "Wörter"
        content = (tmp_path / "disk").read_bytes()
        assert shown["checksum"] == hashlib.md5(content, usedforsecurity=False).hexdigest()
        assert shown["properties"]["os_hash_value"] == hashlib.sha512(content).hexdigest()
        assert (tmp_path / "saved").read_bytes() == content


def test_a_protected_image_is_not_deleted(cloud: Stack, tmp_path: Path) -> None:
    """It can be deleted only when the protection has ended."""
    client = OpenStackClient(cloud.folder)
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    with uploaded(client, tmp_path / "disk", "raw", "va-protected", "--protected") as image:
        try:
            with pytest.raises(Refused, match=f"Image {image} is protected and cannot be deleted"):
                client.run("image", "delete", image)
            assert client.read("image", "show", image)["status"] == "active"
        finally:
            client.run("image", "set", "--unprotected", image)


def test_no_server_is_created_from_a_deactivated_image(cloud: Stack, tmp_path: Path) -> None:
    """Other users cannot download it either, until it is activated again."""
    client, demo = OpenStackClient(cloud.folder), OpenStackClient(cloud.folder, "novaflow-demo")
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    with uploaded(client, tmp_path / "disk", "raw", "va-deactivated", "--public") as image:
        client.run("image", "set", "--deactivate", image)
        assert client.read("image", "show", image)["status"] == "deactivated"
        with pytest.raises(Refused, match=f"Image {image} is not active"):
            client.run("server", "create", "--image", image, "--flavor", "m1.tiny", "--network", "private", "va-none")
        # The client takes the refusal, 403, for the content, whose hash is then wrong.
        with pytest.raises(Refused, match="Unable to download image"):
            demo.run("image", "save", "--file", tmp_path / "saved", image)
        client.run("image", "set", "--activate", image)
        demo.run("image", "save", "--file", tmp_path / "saved", image)
        assert (tmp_path / "saved").read_bytes() == bytes(1 << 20)


def test_an_image_is_shared_with_a_project(cloud: Stack, tmp_path: Path) -> None:
    """The other project lists the image after it accepted it, and reads but does not change it; without membership it has none."""
    client, demo = OpenStackClient(cloud.folder), OpenStackClient(cloud.folder, "novaflow-demo")
    (tmp_path / "disk").write_bytes(os.urandom(1 << 20))

    def listed() -> list[str]:
        return [found["ID"] for found in demo.read("image", "list", "--name", "va-shared")]

    with uploaded(client, tmp_path / "disk", "raw", "va-shared", "--shared") as image:
        with pytest.raises(Refused, match="No Image found"):
            demo.run("image", "show", image)
        client.run("image", "add", "project", image, "demo")
        assert listed() == []
        demo.run("image", "set", "--accept", image)
        assert listed() == [image]
        assert [member["Status"] for member in client.read("image", "member", "list", image)] == ["accepted"]
        demo.run("image", "save", "--file", tmp_path / "saved", image)
        assert (tmp_path / "saved").read_bytes() == (tmp_path / "disk").read_bytes()
        with pytest.raises(Refused, match="403"):
            demo.run("image", "set", "--name", "va-theirs", image)
        client.run("image", "remove", "project", image, "demo")
        assert listed() == []
