"""Mounts and loop devices that a stack left on the machine."""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.orphan import OrphanedResource
from novaflow.model.settings import Settings
from workflows.platform.orphans import Remove

_OCTAL = re.compile(rb"\\([0-7]{3})")  # a space is \040, any other byte stands for itself. Source: proc_pid_mountinfo(5)


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A folder for the stack's files that may be outside DIR/data; a component declares it."""

    path: Callable[[Settings], Path]


async def find_mounts(ctx: Context) -> Sequence[OrphanedResource]:
    """Return the mounts below DIR/run, and the loop devices that are backed by files of the stack."""
    return [*_find_mounts(ctx), *await _find_loop_devices(ctx)]


def _find_mounts(ctx: Context) -> Sequence[OrphanedResource]:
    # Below DIR/data the user may have mounted a disk.
    found = []
    for line in Path("/proc/self/mountinfo").read_bytes().splitlines():
        point = Path(os.fsdecode(_OCTAL.sub(lambda match: bytes([int(match[1], 8)]), line.split()[4])))
        if ctx.paths.run in point.parents:
            found.append(OrphanedResource("mount", str(point), f"it is below {ctx.paths.run}"))
    return found[::-1]  # a later mount may be below an earlier one


async def _find_loop_devices(ctx: Context) -> Sequence[OrphanedResource]:
    answer = await ctx.run("losetup", "--list", "--json", "--output", "NAME,BACK-FILE,BACK-INO,BACK-MAJ:MIN")
    devices = json.loads(answer)["loopdevices"] if answer else []
    # The path of a file in libvirt's mount namespace differs, and does not exist after the namespace; its inode stays.
    inodes = _read_inodes(ctx) if devices else set()
    return [
        OrphanedResource("loop device", device["name"], f"it is backed by {device['back-file']}")
        for device in devices
        if ctx.paths.data in Path(device["back-file"]).parents or (device["back-maj:min"], int(device["back-ino"])) in inodes
    ]


def _read_inodes(ctx: Context) -> set[tuple[str, int]]:
    """Return device, as MAJOR:MINOR, and inode of each file of the stack."""
    folders = (ctx.paths.data, *(folder.path(ctx.settings) for folder in ctx.declared(DataFolder)))
    statuses = (path.lstat() for folder in folders for path in folder.rglob("*"))
    return {(f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}", status.st_ino) for status in statuses}


async def _unmount(ctx: Context, point: str) -> None:
    await ctx.run("umount", point)


async def _detach(ctx: Context, device: str) -> None:
    await ctx.run("losetup", "--detach", device)


REMOVERS: Mapping[str, Remove] = {"mount": _unmount, "loop device": _detach}
