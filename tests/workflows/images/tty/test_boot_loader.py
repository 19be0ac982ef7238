"""The boot loader of the bootable disk; programs of the test replace those of the machine."""

from collections.abc import Callable
from pathlib import Path

import pytest

from novaflow.adapters.local import NodeContext
from tests.support.stand_ins import StandIns
from workflows.images.tty.boot_loader import install_boot_loader, write_command_line
from workflows.platform.processor import PROCESSORS

SYSTEMD_BOOT = "/usr/lib/systemd/boot/efi/systemd-bootaa64.efi"


@pytest.mark.parametrize(
    ("machine", "calls", "line"),
    [
        ("x86_64", ["mformat -i {0} ::", "syslinux --install {0}", "mcopy -o -i {0} {1}/syslinux.cfg ::syslinux.cfg"], "  APPEND quiet"),
        (
            "aarch64",
            [
                "mformat -i {0} ::",
                "mmd -i {0} ::EFI ::EFI/BOOT ::loader ::loader/entries",
                f"mcopy -i {{0}} {SYSTEMD_BOOT} ::EFI/BOOT/BOOTAA64.EFI",
                "mcopy -o -i {0} {1}/tty.conf ::loader/entries/tty.conf",
            ],
            "options quiet",
        ),
    ],
)
async def test_the_boot_loader_fits_the_processor(
    make_context: Callable[..., NodeContext], machine: str, calls: list[str], line: str
) -> None:
    """Guests start with a BIOS or with UEFI; both boot loaders have the kernel's command line in a file."""
    ctx = make_context()
    programs = StandIns(ctx)
    programs.add("mformat", "syslinux", "mmd", "mcopy")
    disk = ctx.paths.data / "bootable"
    await install_boot_loader(ctx, disk, PROCESSORS[machine])
    await write_command_line(ctx, disk, PROCESSORS[machine], "quiet")
    assert programs.calls == [call.format(disk, disk.parent) for call in calls]
    configuration = Path(programs.calls[-1].split()[4])
    assert line in configuration.read_text().splitlines()
