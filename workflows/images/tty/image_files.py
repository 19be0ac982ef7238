"""The files of the tty image: busybox, the SSH server dropbear, kernel modules and scripts."""

import re
from collections.abc import Mapping
from pathlib import Path

from novaflow.model.context import Context
from workflows.images.tty.cpio import Entry
from workflows.platform.detect import find_distribution

SCRIPTS = {
    "init": "tty-init.sh",
    "etc/lease": "tty-lease.sh",
    "etc/drive": "tty-drive.sh",
    "etc/metadata": "tty-metadata.sh",
    "etc/password": "tty-password.sh",
    "etc/disk": "tty-disk.sh",
    "etc/acpi/PWRF/00000080": "tty-power.sh",
    "bin/blkid": "tty-blkid.sh",
    "bin/curl": "tty-curl.sh",
    "bin/lsblk": "tty-lsblk.sh",
    "bin/mkfs": "tty-mkfs.sh",
    "bin/sudo": "tty-sudo.sh",
}
FOLDERS = (
    "bin", "lib", "lib/power", "lib/drive", "lib/later", "lib64", "proc", "sys", "dev", "mnt",
    "etc", "etc/acpi", "etc/acpi/PWRF", "etc/dropbear", "tmp", "root", "root/.ssh", "run",
)  # fmt: skip
USERS = b"root:!:0:0:root:/root:/bin/sh\n"


async def read_image_files(ctx: Context, kernel: Path, modules: Mapping[str, tuple[str, ...]]) -> list[Entry]:
    """Return the files of the guest's only file system.

    ``kernel`` is the folder of the unpacked modules, ``modules`` maps a folder of the guest to those that it loads, in order.
    """
    distribution = find_distribution()
    dropbear = distribution.path("dropbear")
    executables = {"bin/busybox": distribution.path("busybox"), "bin/dropbear": dropbear, **await _find_libraries(ctx, dropbear)}
    executables |= {target: Path(__file__).with_name(name) for target, name in SCRIPTS.items()}
    numbered = ((folder, index, kernel / f"{module}.ko") for folder, names in modules.items() for index, module in enumerate(names))
    files = {f"{folder}/{index:02}-{file.name}": file for folder, index, file in numbered if file.exists()}  # the others are built in
    entries = [Entry(folder) for folder in FOLDERS]
    entries += [Entry(target, path.read_bytes(), 0o755) for target, path in executables.items()]
    entries += [Entry(target, path.read_bytes()) for target, path in files.items()]
    return [*entries, Entry("etc/passwd", USERS), Entry("etc/group", b"root:x:0:\n")]


async def _find_libraries(ctx: Context, program: Path) -> dict[str, Path]:
    """Return the shared libraries of a program by the path at which the guest looks for them: the loader has one of its own."""
    found = [Path(path) for path in re.findall(r"(/\S+) \(0x", await ctx.run("ldd", program))]
    return {str(path)[1:] if path.name.startswith("ld-") else f"lib/{path.name}": path for path in found}
