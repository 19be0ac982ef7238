"""Domains and cgroups that the stack's libvirt left on the machine."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.orphan import OrphanedResource
from workflows.platform.orphans import Remove

CGROUPS = Path("/sys/fs/cgroup")


async def find_domains(ctx: Context) -> Sequence[OrphanedResource]:
    """Return the domains that the stack's libvirt still defines, and the cgroups of containers that have ended."""
    definitions = [path for folder in _domain_folders(ctx) for path in sorted(folder.glob("*.xml"))]
    return [*(OrphanedResource("domain", path.stem, f"{path} defines it") for path in definitions), *_find_cgroups()]


def _domain_folders(ctx: Context) -> Sequence[Path]:
    return [ctx.paths.data / "libvirt" / "etc" / driver for driver in ("qemu", "lxc")]


def _find_cgroups() -> Sequence[OrphanedResource]:
    # Version 2 has one hierarchy, version 1 has one for each controller.
    name = "machine*/lxc-*-instance-*.libvirt-lxc"
    groups = [*CGROUPS.glob(name), *CGROUPS.glob(f"*/{name}")]
    return [OrphanedResource("cgroup", str(group), "it contains no process") for group in groups if not any(_read_members(group))]


def _read_members(group: Path) -> Iterator[str]:
    return (pid for procs in group.rglob("cgroup.procs") for pid in procs.read_text().split())


async def _undefine_domain(ctx: Context, name: str) -> None:
    for folder in _domain_folders(ctx):
        (folder / f"{name}.xml").unlink(missing_ok=True)


async def _remove_cgroup(ctx: Context, group: str) -> None:
    await ctx.run("find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+")


REMOVERS: Mapping[str, Remove] = {"domain": _undefine_domain, "cgroup": _remove_cgroup}
