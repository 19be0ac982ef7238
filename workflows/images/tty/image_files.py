"""The files of the tty image: a busybox, an ssh server and four scripts."""

import re
from collections.abc import Mapping
from pathlib import Path

from novaflow.model.context import Context
from workflows.images.tty.cpio import Entry

SCRIPTS = {"init": "tty-init.sh", "etc/lease": "tty-lease.sh", "etc/drive": "tty-drive.sh", "etc/metadata": "tty-metadata.sh"}
FOLDERS = ("bin", "lib", "lib/drive", "lib64", "proc", "sys", "dev", "etc", "etc/dropbear", "tmp", "root", "root/.ssh", "run")
BUSYBOX, DROPBEAR = Path("/bin/busybox"), Path("/usr/sbin/dropbear")
USERS = b"root::0:0:root:/root:/bin/sh\n"


async def guest_files(ctx: Context, kernel: Path, modules: Mapping[str, tuple[str, ...]]) -> list[Entry]:
    """Return the files of the guest's first and only file system.

    ``modules`` are loaded in their order, by the folder they lie in.
    """
    files = {
        f"{folder}/{index:02}-{module}.ko": kernel / f"{module}.ko"
        for folder, names in modules.items()
        for index, module in enumerate(names)
    }
    programs = {"bin/busybox": BUSYBOX, "bin/dropbear": DROPBEAR, **await _libraries(ctx)}
    programs |= {target: Path(__file__).with_name(name) for target, name in SCRIPTS.items()}
    entries = [Entry(folder) for folder in FOLDERS]
    entries += [Entry(target, path.read_bytes(), 0o755) for target, path in programs.items()]
    entries += [Entry(target, path.read_bytes()) for target, path in files.items()]
    return [*entries, Entry("etc/passwd", USERS), Entry("etc/group", b"root:x:0:\n")]


async def _libraries(ctx: Context) -> dict[str, Path]:
    """Return what the ssh server is linked with, where the guest's loader looks for it."""
    found = [Path(path) for path in re.findall(r"(/\S+) \(0x", await ctx.run("ldd", DROPBEAR))]
    return {f"{'lib64' if path.name.startswith('ld-') else 'lib'}/{path.name}": path for path in found}
