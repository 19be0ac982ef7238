"""The tty image: its files, its disk, and its upload to glance; programs of the test replace those of the machine."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from novaflow.adapters.local import NodeContext
from novaflow.errors import StepFailed
from novaflow.model.step import Skipped
from tests.support.rest import RestServer, open_cloud_context
from tests.support.settings import make_settings
from tests.support.stand_ins import StandIns
from workflows.images.tty.component import GUEST_MODULES, disk, kernel, upload
from workflows.infra.libvirt.settings import LibvirtType
from workflows.services.neutron.settings import NetMan

MakeContext = Callable[..., NodeContext]
ALL_MODULES = tuple(name for names in GUEST_MODULES.values() for name in names)
NAMES = ("aki-tty", "ari-tty", "ami-tty", "disk-tty")
FILES = ("kernel/vmlinuz", "initrd", "disk", "container.ext4", "bootable")
# Of the files that `write_files` writes, and the command line of the kernel.
LINE = "console=tty0 console=ttyS0 quiet cryptomgr.notests"
PARTS = (b"kernel/vmlinuz", b"initrd", LINE.encode())
VERSION = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in PARTS)).hexdigest()
UNPACK = """
mkdir -p "$3/boot" "$3/lib/modules/6.1"
echo kernel >"$3/boot/vmlinuz-6.1"
cd "$3/lib/modules/6.1"
for name in {modules}; do echo module >"$name"; done
printf '%s\n' {built_in} >modules.builtin
! [ -e virtio_net.ko.xz ] || {{ mv virtio_net.ko.xz plain && xz <plain >virtio_net.ko.xz && rm plain; }}
! [ -e virtio_net.ko.zst ] || {{ mv virtio_net.ko.zst plain && zstd --quiet plain -o virtio_net.ko.zst && rm plain; }}
"""


def prepare(rest: RestServer, *existing: str, status: str = "active", version: str = VERSION) -> None:
    """Prepare glance's responses; it has the existing images, with this status, made of other files if the version differs."""
    for name in NAMES:
        found = [{"id": f"old-{name}", "status": status, "tty_version": version}] if name in existing else []
        rest.respond("GET", f"/image/v2/images?name={name}&owner=project", {"images": found})
        rest.respond("PATCH", f"/image/v2/images/old-{name}", {})
        if name not in existing or version != VERSION:
            rest.respond("POST", "/image/v2/images", {"id": f"new-{name}", "status": "queued"}, status=201)
        rest.respond("PUT", f"/image/v2/images/{'old' if name in existing and version == VERSION else 'new'}-{name}/file", status=204)


def write_files(ctx: NodeContext) -> StandIns:
    """Write the files of the image, and add the program that copies into its disk."""
    for name in FILES:
        file = ctx.paths.data / "tty" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
        os.utime(file, (0, 0))
    programs = StandIns(ctx)
    programs.add("mcopy")
    return programs


@pytest.mark.parametrize("libvirt_type", [LibvirtType.QEMU, LibvirtType.LXC])
async def test_four_images_are_uploaded(tmp_path: Path, rest: RestServer, libvirt_type: LibvirtType) -> None:
    """The machine image names its kernel and its initial RAM file system; a container has another disk."""
    prepare(rest)
    async with open_cloud_context(tmp_path, rest, settings=make_settings(libvirt_type=libvirt_type)) as ctx:
        write_files(ctx)
        assert await upload.body(ctx) == "ami-tty is new-ami-tty, disk-tty new-disk-tty"
    created = {body["name"]: body for body in rest.bodies("POST", "/image/v2/images")}
    assert [*created] == [*NAMES]
    assert {body["visibility"] for body in created.values()} == {"public"}
    assert (created["ami-tty"]["kernel_id"], created["ami-tty"]["ramdisk_id"]) == ("new-aki-tty", "new-ari-tty")
    assert created["ami-tty"]["os_command_line"] == LINE
    sent = [request.body for request in rest.requests if request.method == "PUT"]
    assert sent == ["kernel/vmlinuz", "initrd", "container.ext4" if libvirt_type is LibvirtType.LXC else "disk", "bootable"]


async def test_without_dhcp_the_guest_is_told_to_read_its_drive(tmp_path: Path, rest: RestServer) -> None:
    """Both images get the same arguments of the kernel."""
    prepare(rest)
    async with open_cloud_context(tmp_path, rest, settings=make_settings(net_man=NetMan.FLAT)) as ctx:
        programs = write_files(ctx)
        await upload.body(ctx)
        config = (ctx.paths.data / "tty/syslinux.cfg").read_text()
    line = f"{LINE} config_drive=1"
    assert f"\n  APPEND {line}\n" in config
    assert [body["os_command_line"] for body in rest.bodies("POST", "/image/v2/images") if body["name"] == "ami-tty"] == [line]
    assert programs.calls == [f"mcopy -o -i {tmp_path}/data/tty/bootable {tmp_path}/data/tty/syslinux.cfg ::syslinux.cfg"]


@pytest.mark.parametrize(("status", "uploads"), [("active", 0), ("queued", 4)])
async def test_images_of_an_earlier_start_are_kept(tmp_path: Path, rest: RestServer, status: str, uploads: int) -> None:
    """An upload that was interrupted is repeated: its image is queued."""
    prepare(rest, *NAMES, status=status)
    async with open_cloud_context(tmp_path, rest) as ctx:
        write_files(ctx)
        assert await upload.body(ctx) == "ami-tty is old-ami-tty, disk-tty old-disk-tty"
    methods = [request.method for request in rest.requests]
    assert (methods.count("POST"), methods.count("PUT"), methods.count("PATCH")) == (0, uploads, 0)


async def test_images_of_another_version_are_hidden(tmp_path: Path, rest: RestServer) -> None:
    """Servers may use them; new servers use the new images."""
    prepare(rest, *NAMES, version="other")
    async with open_cloud_context(tmp_path, rest) as ctx:
        write_files(ctx)
        assert await upload.body(ctx) == "ami-tty is new-ami-tty, disk-tty new-disk-tty"
    hidden = [request for request in rest.requests if request.method == "PATCH"]
    assert [request.path for request in hidden] == [f"/image/v2/images/old-{name}" for name in NAMES]
    assert {request.content_type for request in hidden} == {"application/openstack-images-v2.1-json-patch"}
    assert [body for request in hidden for body in request.body] == [{"op": "add", "path": "/os_hidden", "value": True}] * 4
    assert {body["tty_version"] for body in rest.bodies("POST", "/image/v2/images")} == {VERSION}


async def test_the_disk_is_made_again_when_a_part_is_newer(make_context: MakeContext) -> None:
    """The disk is complete or not there: it gets its name at the end."""
    ctx = make_context()
    programs = write_files(ctx)
    programs.add("truncate", script=': >"$2"')
    programs.add("mformat", "syslinux")
    (ctx.paths.data / "tty/bootable").unlink()
    assert await disk.body(ctx) == "48 MiB"
    assert await disk.body(ctx) == Skipped("up to date")
    programs.add("syslinux", script="exit 1")
    (ctx.paths.data / "tty/bootable").unlink()
    with pytest.raises(Exception, match="syslinux exited with 1"):
        await disk.body(ctx)
    assert not (ctx.paths.data / "tty/bootable").exists()


def add_kernel(ctx: NodeContext, suffix: str = "", built_in: tuple[str, ...] = ()) -> None:
    """Add programs that unpack a kernel: its virtio_net.ko has this further suffix, and these modules are built in."""
    programs = StandIns(ctx)
    files = [f"{name}.ko{suffix if name == 'virtio_net' else ''}" for name in ALL_MODULES if name not in built_in]
    listed = " ".join(f"kernel/drivers/{name}.ko" for name in built_in)
    programs.add("apt-cache", script="echo '  Depends: linux-image-6.1-amd64'")
    programs.add("apt-get", script="touch one.deb")
    programs.add("dpkg-deb", script=UNPACK.format(modules=" ".join(files), built_in=listed))


@pytest.mark.parametrize(("suffix", "built_in"), [("", ()), (".xz", ("virtio_ring", "virtio")), (".zst", ())])
async def test_the_modules_of_the_kernel_are_unpacked(make_context: MakeContext, suffix: str, built_in: tuple[str, ...]) -> None:
    """As in Debian 12, Debian 13 and Ubuntu: the guest cannot load compressed ones.

    Unused folders are removed; a second step has nothing to do.
    """
    ctx = make_context()
    add_kernel(ctx, suffix, built_in)
    assert await kernel.body(ctx) == "linux-image-6.1-amd64"
    unpacked = ctx.paths.data / "tty/kernel"
    modules = {f"{name}.ko" for name in ALL_MODULES if name not in built_in}
    assert {file.name for file in unpacked.iterdir()} == {"vmlinuz", "modules.builtin", *modules}
    assert {(unpacked / name).read_text() for name in modules} == {"module\n"}
    assert await kernel.body(ctx) == Skipped("already unpacked")


async def test_a_module_in_an_unknown_format_is_an_error(make_context: MakeContext) -> None:
    """The message names the file and the known formats; the kernel is not there."""
    ctx = make_context()
    add_kernel(ctx, ".lzo")
    known = r"has no virtio_net\.ko that is built in or ends with \.ko, \.xz, \.gz, \.bz2, \.zst; found .*/virtio_net\.ko\.lzo$"
    with pytest.raises(StepFailed, match=known):
        await kernel.body(ctx)
    assert not (ctx.paths.data / "tty/kernel").exists()
