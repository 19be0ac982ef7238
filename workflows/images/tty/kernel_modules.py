"""The modules in unpacked kernel packages: Debian 12 has files, Debian 13 and Ubuntu compressed ones; some are built into the kernel."""

import bz2
import gzip
import lzma
from collections.abc import Callable, Mapping
from pathlib import Path

from novaflow.errors import StepFailed
from novaflow.model.context import Context

BUILT_IN = "modules.builtin"  # one path of a module in each line. Source: the kernel's Documentation/kbuild/kbuild.rst
_READERS: Mapping[str, Callable[[bytes], bytes]] = {".ko": bytes, ".xz": lzma.decompress, ".gz": gzip.decompress, ".bz2": bz2.decompress}


def is_complete(folder: Path, names: tuple[str, ...]) -> bool:
    """Return whether the folder has a kernel and each of the modules that is not built into it."""
    if not (folder / "vmlinuz").exists() or not (folder / BUILT_IN).exists():
        return False
    return all((folder / f"{name}.ko").exists() for name in _find_loadable(folder, names))


async def unpack_modules(ctx: Context, folder: Path, names: tuple[str, ...]) -> None:
    """Write those of the modules that are not built in as NAME.ko into the folder of the unpacked packages, beside the list of the others.

    Raises: StepFailed, if one is missing, or compressed in an unknown format.
    """
    listed = next(folder.glob(f"**/{BUILT_IN}"), None)
    if listed is None:
        raise StepFailed(f"the kernel package has no {BUILT_IN}, which lists the modules that are built in")
    listed.rename(folder / BUILT_IN)
    loadable = _find_loadable(folder, names)
    # Python reads this format from 3.14 on. Ubuntu's kernel packages need the program.
    if compressed := [path for name in loadable for path in folder.glob(f"**/{name}.ko.zst")]:
        await ctx.run("zstd", "--quiet", "--decompress", "--rm", *compressed)
    for name in loadable:
        (folder / f"{name}.ko").write_bytes(_read_module(folder, name))


def _find_loadable(folder: Path, names: tuple[str, ...]) -> list[str]:
    """Return those of the modules that are not built in."""
    built_in = {Path(line).stem for line in (folder / BUILT_IN).read_text().splitlines()}
    return [name for name in names if name not in built_in]


def _read_module(folder: Path, name: str) -> bytes:
    found = next(folder.glob(f"**/{name}.ko*"), None)
    if found is None or found.suffix not in _READERS:
        known = ", ".join((*_READERS, ".zst"))
        raise StepFailed(f"the kernel package has no {name}.ko that is built in or ends with {known}; found {found}")
    return _READERS[found.suffix](found.read_bytes())
