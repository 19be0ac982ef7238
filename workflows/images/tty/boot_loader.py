"""The boot loader of the tty image's bootable disk, which is one file system of FAT: syslinux, or systemd-boot where guests have UEFI."""

from pathlib import Path

from novaflow.model.context import Context
from workflows.platform.detect import find_distribution
from workflows.platform.processor import Processor

SYSLINUX, SYSLINUX_FILE = "DEFAULT tty\nLABEL tty\n  KERNEL vmlinuz\n  INITRD initrd\n  APPEND {command_line}\n", "syslinux.cfg"
# Source: Boot Loader Specification, "Type #1 Boot Loader Specification Entries"
UEFI, UEFI_FILE = "title tty\nlinux /vmlinuz\ninitrd /initrd\noptions {command_line}\n", "loader/entries/tty.conf"
UEFI_FOLDERS = ("EFI", "EFI/BOOT", "loader", "loader/entries")
UEFI_PROGRAM = "EFI/BOOT/BOOTAA64.EFI"  # what UEFI starts from a disk without an entry. Source: UEFI specification, 3.5.1.1


async def install_boot_loader(ctx: Context, disk: Path, processor: Processor) -> None:
    """Make the file system of a disk, and install the boot loader into it."""
    await ctx.run("mformat", "-i", disk, "::")
    if processor.has_bios:
        await ctx.run("syslinux", "--install", disk)
        return
    await ctx.run("mmd", "-i", disk, *(f"::{folder}" for folder in UEFI_FOLDERS))
    await ctx.run("mcopy", "-i", disk, find_distribution().path("systemd-boot"), f"::{UEFI_PROGRAM}")


async def write_command_line(ctx: Context, disk: Path, processor: Processor, command_line: str) -> None:
    """Write the boot loader's configuration, with the kernel's command line, into the disk and into a file beside it."""
    text, name = (SYSLINUX, SYSLINUX_FILE) if processor.has_bios else (UEFI, UEFI_FILE)
    file = disk.with_name(Path(name).name)
    await ctx.write(file, text.format(command_line=command_line))
    await ctx.run("mcopy", "-o", "-i", disk, file, f"::{name}")
