"""arm64, emulated: an empty Debian installs a cloud for it, and the guest of that installation starts in QEMU's machine.

The programs run under QEMU's emulation of processors alone. The cloud cannot be started there: QEMU does not translate what
iptables and Open vSwitch ask of the kernel. MariaDB ends with an error of its own, so the databases are SQLite's.
"""

# ruff: noqa: S603, S607, TID251 - tests start known programs

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.cloud.clients import wait_for
from tests.cloud.fresh import HOME, fresh_machine, running
from tests.cloud.stacks import Stack
from workflows.images.tty.boot_loader import UEFI, UEFI_FILE
from workflows.images.tty.component import COMMAND_LINE
from workflows.platform.processor import PROCESSORS

INTERPRETER, EMULATOR = "/usr/bin/qemu-aarch64-static", "qemu-system-aarch64"
FIRMWARE = Path("/usr/share/qemu-efi-aarch64/QEMU_EFI.fd")
NEEDED = "apt-get install qemu-user-static qemu-system-arm qemu-efi-aarch64"
# The first bytes of arm64's programs, and which of their bits count. F: the interpreter is opened now, and needs no path in the
# machine. Source: the kernel's Documentation/admin-guide/binfmt-misc.rst; elf(5)
MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
NAME = "novaflow-arm64"
WITHIN_S = 2 * 3600
GUEST_WITHIN_S = 600.0
PROCESSOR = PROCESSORS["aarch64"]
SERIAL = COMMAND_LINE.format(serial=PROCESSOR.console)

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.long,
    pytest.mark.stops_cloud,
    pytest.mark.timeout(3 * 3600),
    pytest.mark.skipif(not (Path(INTERPRETER).exists() and shutil.which(EMULATOR) and FIRMWARE.exists()), reason=f"needs {NEEDED}"),
]


@contextmanager
def foreign_programs() -> Iterator[None]:
    """Let the kernel run arm64's programs with QEMU."""
    folder = Path("/proc/sys/fs/binfmt_misc")
    mounted = not (folder / "register").exists()
    if mounted:
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", folder], check=True, timeout=30)
    try:
        (folder / "register").write_text(f":{NAME}:M::{MAGIC}:{MASK}:{INTERPRETER}:F")
        yield
    finally:
        (folder / NAME).write_text("-1")  # removes it
        if mounted:
            subprocess.run(["umount", folder], check=True, timeout=30)


def test_the_guest_of_an_installation_starts(stack: Stack, tmp_path: Path) -> None:
    """`doctor` and `install` succeed; its kernel, with and without the boot loader, prints its address and answers the power button."""
    stack("clean")  # the machine needs the processors
    tty = tmp_path / "tty"
    with foreign_programs(), fresh_machine("bookworm", architecture="arm64") as machine:
        assert "aarch64" in machine.run("./nova.sh", "doctor", within_s=WITHIN_S).stdout
        machine.run("./nova.sh", "install", "--set", "USE_MYSQL=0", "--set", "NOVAFLOW_TIMEOUT_FACTOR=20", within_s=WITHIN_S)
        shutil.copytree(machine.root / HOME / "nova/data/tty", tty)
    # What the start of a cloud writes into the disk.
    (tty / "tty.conf").write_text(UEFI.format(command_line=SERIAL))
    subprocess.run(["mcopy", "-o", "-i", tty / "bootable", tty / "tty.conf", f"::{UEFI_FILE}"], check=True, timeout=30)
    kernel = ("-kernel", f"{tty}/kernel/vmlinuz", "-initrd", f"{tty}/initrd", "-append", SERIAL)
    for name, boot, disk in (("kernel", kernel, "disk"), ("disk", (), "bootable")):
        print(start_guest(tmp_path / f"{name}.log", tty / disk, *boot))  # noqa: T201 - pytest shows it when a test fails


def start_guest(console: Path, disk: Path, *boot: str) -> str:
    """Start the guest as nova does on this processor, press the power button when it is ready, and return its console's output."""
    machine = (EMULATOR, "-machine", PROCESSOR.emulated_machine, "-cpu", str(PROCESSOR.emulated_model), "-m", "256", "-bios", str(FIRMWARE))
    devices = ("-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net", "-device", "virtio-rng-pci")
    drive = ("-drive", f"if=virtio,format=raw,file={disk}")
    monitor = console.with_suffix(".monitor")
    ends = ("-display", "none", "-serial", f"file:{console}", "-monitor", f"unix:{monitor},server=on,wait=off")
    with running((*machine, *devices, *drive, *boot, *ends)) as process:
        wait_for("the guest", lambda: "tty login:" in read(console), GUEST_WITHIN_S)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(monitor))

            def press() -> bool:  # repeatedly, as nova does: the guest may not listen yet
                with suppress(OSError):
                    connection.sendall(b"system_powerdown\n")
                return process.poll() is not None

            wait_for("its end", press, GUEST_WITHIN_S)
    output = read(console)
    assert "inet 10.0.2.15" in output
    assert "tty: ready after" in output
    assert "tty: the power button was pressed" in output
    return output


def read(console: Path) -> str:
    """Return what the guest has printed so far."""
    return console.read_text(errors="replace") if console.exists() else ""
