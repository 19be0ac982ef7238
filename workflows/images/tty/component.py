"""The tty image: a kernel and busybox, which boot to a DHCP lease in seconds; as three images, and as one bootable disk."""

import gzip
import hashlib
import shutil
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import ConcurrencyPool, Skipped, step
from workflows.images.tty.boot_loader import install_boot_loader, write_command_line
from workflows.images.tty.cpio import Entry, pack, unpack
from workflows.images.tty.image_files import read_image_files
from workflows.images.tty.kernel_modules import is_complete, unpack_modules
from workflows.images.tty.password import PASSWORD_HASH, password
from workflows.infra.libvirt.address import uses_containers
from workflows.platform.detect import find_distribution
from workflows.platform.processor import find_processor
from workflows.platform.system_packages import SystemPackages, UnpackedPackages
from workflows.services.keystone.client import admin_api
from workflows.services.neutron.settings import NetMan, NetworkSettings

# The metapackage needs the newest kernel, whose modules are a package of their own in Ubuntu.
KERNEL = UnpackedPackages(SystemPackages(debian=("linux-image-cloud-amd64",)), prefixes=("linux-image-", "linux-modules-"))
# In the order of their dependencies, which depmod determines only when the package is installed.
MODULES = (
    "virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci",
    "failover", "net_failover", "virtio_net", "virtio_blk", "virtio-rng",
)  # fmt: skip
# For the config drive, a CD-ROM: of IDE, or of SCSI where QEMU's machine has no IDE.
DRIVE_MODULES = ("scsi_common", "scsi_mod", "libata", "ata_piix", "virtio_scsi", "cdrom", "sr_mod", "isofs")
# Loaded while the network is configured: nova presses the button once and waits 10 s before it presses again.
POWER_MODULES = ("button", "evdev")
# Loaded when the SSH server is up: a disk for /tmp, the file system of `mkfs -t vfat`, and VLANs for trunk ports.
LATER_MODULES = (
    "loop", "fat", "vfat", "nls_cp437", "nls_ascii",
    "llc", "stp", "garp", "mrp", "8021q",
)  # fmt: skip
GUEST_MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"lib": MODULES, "lib/power": POWER_MODULES, "lib/drive": DRIVE_MODULES, "lib/later": LATER_MODULES}
)
DISK_MIB = 1
CONTAINER, CONTAINER_MIB = "container.ext4", 16  # the files use 4
BOOTABLE_MIB = 48  # kernel, initial RAM file system and boot loader use 18, on arm64, whose kernel is not compressed, 33
VERSION = "tty_version"  # a property of the images
GLANCE_PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}  # Source: Image API v2, "Update image"
# The last console is `/dev/console`. The tests of the kernel's cryptography take 0.4 s when the processor is emulated.
COMMAND_LINE = "console=tty0 console={serial} quiet cryptomgr.notests"


def _folder(ctx: Context) -> Path:
    return ctx.paths.data / "tty"


@step(within_s=300, pool=ConcurrencyPool.NET)
async def kernel(ctx: Context) -> Skipped | str:
    """Download the distribution's kernel for virtual machines and unpack it, without installing it."""
    modules = tuple(chain.from_iterable(GUEST_MODULES.values()))
    if is_complete(_folder(ctx) / "kernel", modules):
        return Skipped("already unpacked")
    work, distribution = _folder(ctx) / "kernel.new", find_distribution()
    package = await distribution.unpack(ctx, KERNEL, work)
    next((work / "boot").glob("vmlinuz-*")).rename(work / "vmlinuz")
    await unpack_modules(ctx, work, modules)
    for unused in ("boot", "lib", "usr"):
        shutil.rmtree(work / unused, ignore_errors=True)
    shutil.rmtree(_folder(ctx) / "kernel", ignore_errors=True)
    work.rename(_folder(ctx) / "kernel")
    return package


@step(needs=("tty.kernel", "packages.install"), pool=ConcurrencyPool.CPU, within_s=60)
async def image(ctx: Context) -> Skipped | str:
    """Create the tty image: kernel, initial RAM file system and empty disk."""
    files = await read_image_files(ctx, _folder(ctx) / "kernel", GUEST_MODULES)
    packed = gzip.compress(pack(files), mtime=0)
    target = _folder(ctx) / "initrd"
    if target.exists() and target.read_bytes() == packed:
        return Skipped("up to date")
    await ctx.write(_folder(ctx) / "disk", bytes(DISK_MIB << 20))
    await ctx.write(target, packed)
    return f"{len(packed) // 1024} KiB, without the kernel"


@step(within_s=60, when=uses_containers)
async def container(ctx: Context) -> str:
    """Create the disk of a container: a file system with the files of the image."""
    root, disk = _folder(ctx) / "root", _folder(ctx) / CONTAINER
    shutil.rmtree(root, ignore_errors=True)
    files = await read_image_files(ctx, _folder(ctx) / "kernel", {})
    unpack([*files, Entry("sbin"), Entry("sbin/init", next(file.content for file in files if file.path == "init"), 0o755)], root)
    disk.unlink(missing_ok=True)
    await ctx.run("mke2fs", "-q", "-t", "ext4", "-d", root, disk, f"{CONTAINER_MIB}M")
    shutil.rmtree(root)
    return str(disk)


@step(needs=("tty.image",), within_s=60)
async def disk(ctx: Context) -> Skipped | str:
    """Create the tty image as one bootable disk."""
    parts = (_folder(ctx) / "kernel" / "vmlinuz", _folder(ctx) / "initrd")
    if bootable_disk(ctx).exists() and bootable_disk(ctx).stat().st_mtime > max(part.stat().st_mtime for part in parts):
        return Skipped("up to date")
    work = _folder(ctx) / "bootable.new"
    work.unlink(missing_ok=True)
    await ctx.run("truncate", f"--size={BOOTABLE_MIB}M", work)
    await install_boot_loader(ctx, work, find_processor())
    await ctx.run("mcopy", "-i", work, *parts, "::")
    work.rename(bootable_disk(ctx))
    return f"{BOOTABLE_MIB} MiB"


def bootable_disk(ctx: Context) -> Path:
    """Return the file of the tty image as one bootable disk."""
    return _folder(ctx) / "bootable"


@step(needs=("glance", "keystone", "tty.container"), within_s=120)
async def upload(ctx: Context) -> str:
    """Upload the tty image as three images, aki-tty, ari-tty and ami-tty, and as one disk, disk-tty."""
    # Without DHCP the guest reads its address from the config drive.
    extra = " config_drive=1" if ctx.settings.of(NetworkSettings).net_man is NetMan.FLAT else ""
    command_line = COMMAND_LINE.format(serial=find_processor().console) + extra
    await write_command_line(ctx, bootable_disk(ctx), find_processor(), command_line)
    version = {VERSION: _version(ctx, command_line)}
    kernel = await _upload(ctx, "kernel/vmlinuz", name="aki-tty", **_formats("aki"), **version)
    ramdisk = await _upload(ctx, "initrd", name="ari-tty", **_formats("ari"), **version)
    boot = {"kernel_id": kernel, "ramdisk_id": ramdisk, "os_command_line": command_line}
    root_disk = CONTAINER if uses_containers(ctx.settings) else "disk"
    ami = await _upload(ctx, root_disk, name="ami-tty", **_formats("ami"), **boot, **version)
    disk = await _upload(ctx, "bootable", name="disk-tty", disk_format="raw", container_format="bare", **version)
    return f"ami-tty is {ami}, disk-tty {disk}"


def _formats(kind: str) -> dict[str, str]:
    return {"disk_format": kind, "container_format": kind}


def _version(ctx: Context, command_line: str) -> str:
    """Return what differs when the content of the images does; the disks are made of these files, but contain the time too."""
    parts = (*((_folder(ctx) / part).read_bytes() for part in ("kernel/vmlinuz", "initrd")), command_line.encode())
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


async def _upload(ctx: Context, path: str, **properties: str) -> str:
    """Upload a file of the image, unless it is there, and return the id that glance gives it.

    In a cloud that an earlier version of novaflow has made, the images of that version are hidden: servers may use them.
    """
    api = admin_api(ctx)
    found = (await api.get("image", f"/v2/images?name={properties['name']}&owner={api.project_id}"))["images"]
    new = {"visibility": "public", "hw_rng_model": "virtio", **properties}
    current = None
    for image in found:
        if image.get(VERSION) == properties[VERSION]:
            current = image
        else:
            hidden = [{"op": "add", "path": "/os_hidden", "value": True}]
            await api.patch("image", f"/v2/images/{image['id']}", hidden, headers=GLANCE_PATCH)
    image = current or await api.post("image", "/v2/images", new)
    if image["status"] == "queued":  # its content is missing
        await api.put("image", f"/v2/images/{image['id']}/file", content=_folder(ctx) / path)
    return str(image["id"])


COMPONENT = Component(
    name="tty",
    summary="The tty image.",
    declares=(SystemPackages(debian=("busybox-static", "dropbear-bin", "mtools", "syslinux", "openssl")), KERNEL, PASSWORD_HASH),
    parts={"install": (kernel, image, disk), "run": (password, container, upload)},
)
