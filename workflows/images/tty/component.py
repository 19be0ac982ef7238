"""The tty image: a kernel, a busybox and nothing else; boots to its lease in seconds. In three parts, and as one disk."""

import gzip
import shutil
from pathlib import Path

from novaflow.errors import MachineError, StepFailed
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import ConcurrencyPool, Skipped, step
from workflows.images.tty.cpio import Entry, pack, unpack
from workflows.images.tty.image_files import guest_files
from workflows.infra.libvirt.address import uses_containers
from workflows.platform.debian import unpack_package
from workflows.platform.system_packages import SystemPackages
from workflows.services.neutron.settings import NetMan, NetworkSettings
from workflows.services.openstack import Api

PACKAGE = "linux-image-cloud-amd64"  # Debian's name for the newest kernel for virtual machines
# In the order they need each other: the package brings no list of that, depmod makes it at installation.
MODULES = (
    "virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci",
    "failover", "net_failover", "virtio_net", "virtio_blk", "virtio-rng",
)  # fmt: skip
DRIVE_MODULES = ("scsi_common", "scsi_mod", "libata", "ata_piix", "cdrom", "sr_mod", "isofs")  # of a config drive, which is a CD
DISK_MIB = 1
CONTAINER, CONTAINER_MIB = "container.ext4", 16  # its files take 4
BOOTABLE_MIB = 32  # kernel, first file system and boot loader take 18
COMMAND_LINE = "console=tty0 console=ttyS0 quiet"  # a screen, and what `/dev/console` is

BOOT_LOADER = """\
DEFAULT tty
LABEL tty
  KERNEL vmlinuz
  INITRD initrd
  APPEND {command_line}
"""


def _folder(ctx: Context) -> Path:
    return ctx.paths.data / "tty"


@step(within_s=300, pool=ConcurrencyPool.NET)
async def kernel(ctx: Context) -> Skipped | str:
    """Fetch Debian's kernel for virtual machines; it is unpacked, never installed."""
    wanted = ("vmlinuz", *(f"{module}.ko" for module in (*MODULES, *DRIVE_MODULES)))
    if all((_folder(ctx) / "kernel" / name).exists() for name in wanted):
        return Skipped("it is there")
    work = _folder(ctx) / "kernel.new"
    depends = await ctx.run("apt-cache", "depends", "--important", PACKAGE)
    name = next((line.split()[-1] for line in depends.splitlines() if "linux-image" in line and "Depends:" in line), None)
    if name is None:
        message = f"apt knows no kernel for {PACKAGE}; look at apt's sources"
        raise MachineError(message)
    await unpack_package(ctx, name, work)
    for found, kept in (
        (next((work / "boot").glob("vmlinuz-*")), "vmlinuz"),
        *((_find_module(work, module), f"{module}.ko") for module in (*MODULES, *DRIVE_MODULES)),
    ):
        found.rename(work / kept)
    for rest in ("boot", "lib", "usr"):
        shutil.rmtree(work / rest, ignore_errors=True)
    shutil.rmtree(_folder(ctx) / "kernel", ignore_errors=True)
    work.rename(_folder(ctx) / "kernel")
    return name


def _find_module(folder: Path, name: str) -> Path:
    found = next(folder.glob(f"**/{name}.ko*"), None)
    if found is None or found.suffix != ".ko":
        message = f"the kernel brings no {name}.ko, found {found}"
        raise StepFailed(message)
    return found


@step(needs=("tty.kernel", "packages.install"), pool=ConcurrencyPool.CPU, within_s=60)
async def image(ctx: Context) -> Skipped | str:
    """Make the tty image: kernel, first file system, empty disk."""
    packed = gzip.compress(pack(await guest_files(ctx, _folder(ctx) / "kernel", {"lib": MODULES, "lib/drive": DRIVE_MODULES})), mtime=0)
    target = _folder(ctx) / "initrd"
    if target.exists() and target.read_bytes() == packed:
        return Skipped("it is there")
    await ctx.write(_folder(ctx) / "disk", bytes(DISK_MIB << 20))
    await ctx.write(target, packed)
    return f"{len(packed) // 1024} KiB beside the kernel"


@step(within_s=60, when=uses_containers)
async def container(ctx: Context) -> str:
    """Make the disk of a container: the same files as the image's, in a file system."""
    root, disk = _folder(ctx) / "root", _folder(ctx) / CONTAINER
    shutil.rmtree(root, ignore_errors=True)
    files = await guest_files(ctx, _folder(ctx) / "kernel", {})
    unpack([*files, Entry("sbin"), Entry("sbin/init", next(file.content for file in files if file.path == "init"), 0o755)], root)
    disk.unlink(missing_ok=True)
    await ctx.run("mke2fs", "-q", "-t", "ext4", "-d", root, disk, f"{CONTAINER_MIB}M")
    return str(disk)


@step(needs=("tty.image",), within_s=60)
async def disk(ctx: Context) -> Skipped | str:
    """Make the tty image as one disk, with a boot loader."""
    parts = (_folder(ctx) / "kernel" / "vmlinuz", _folder(ctx) / "initrd")
    if _bootable(ctx).exists() and _bootable(ctx).stat().st_mtime > max(part.stat().st_mtime for part in parts):
        return Skipped("it is there")
    work = _folder(ctx) / "bootable.new"
    work.unlink(missing_ok=True)
    await ctx.run("truncate", f"--size={BOOTABLE_MIB}M", work)
    await ctx.run("mformat", "-i", work, "::")
    await ctx.run("syslinux", "--install", work)
    await ctx.run("mcopy", "-i", work, *parts, "::")
    work.rename(_bootable(ctx))
    return f"{BOOTABLE_MIB} MiB"


def _bootable(ctx: Context) -> Path:
    return _folder(ctx) / "bootable"


@step(needs=("glance", "keystone", "tty.container"), within_s=120)
async def upload(ctx: Context) -> str:
    """Upload the tty image in its three parts, aki-tty, ari-tty and ami-tty, and as one disk, disk-tty."""
    # Where nobody hands out addresses, the guest looks for its own on the drive.
    command_line = f"{COMMAND_LINE} config_drive=1" if ctx.settings.of(NetworkSettings).net_man is NetMan.FLAT else COMMAND_LINE
    await ctx.write(_folder(ctx) / "syslinux.cfg", BOOT_LOADER.format(command_line=command_line))
    await ctx.run("mcopy", "-o", "-i", _bootable(ctx), _folder(ctx) / "syslinux.cfg", "::")
    kernel = await _upload(ctx, "kernel/vmlinuz", name="aki-tty", **_both("aki"))
    ramdisk = await _upload(ctx, "initrd", name="ari-tty", **_both("ari"))
    boot = {"kernel_id": kernel, "ramdisk_id": ramdisk, "os_command_line": command_line}
    empty = CONTAINER if uses_containers(ctx.settings) else "disk"
    ami = await _upload(ctx, empty, name="ami-tty", **_both("ami"), **boot)
    disk = await _upload(ctx, "bootable", name="disk-tty", disk_format="raw", container_format="bare")
    return f"ami-tty is {ami}, disk-tty {disk}"


def _both(form: str) -> dict[str, str]:
    return {"disk_format": form, "container_format": form}


async def _upload(ctx: Context, path: str, **properties: str) -> str:
    api = Api.logged_in(ctx)
    new = {"visibility": "public", "hw_rng_model": "virtio", **properties}
    image_id: str = (await api.call("POST", api.image("/images"), new))["id"]
    await api.call("PUT", api.image(f"/images/{image_id}/file"), content=_folder(ctx) / path)
    return image_id


COMPONENT = Component(
    name="tty",
    summary="The tty image.",
    declares=(SystemPackages(debian=("busybox-static", "dropbear-bin", "mtools", "syslinux")),),
    parts={"install": (kernel, image, disk), "run": (container, upload)},
)
