"""Mounts and loop devices that a stack left on the machine."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from novaflow.adapters.local import NodeContext
from novaflow.model.component import Component
from novaflow.model.orphan import OrphanedResource
from tests.faults.disks import small_disk
from tests.support.contexts import open_context
from tests.support.stand_ins import StandIns
from workflows.platform.mounts import REMOVERS, DataFolder, find_mounts
from workflows.platform.orphans import remove_found


@pytest.fixture
async def ctx(tmp_path: Path) -> AsyncIterator[NodeContext]:
    """Return the context of a step in a stack that has a folder for disks outside of its own."""
    folder = Component("disks", "Disks.", declares=(DataFolder(lambda _: tmp_path / "disks"),))
    (tmp_path / "disks").mkdir()
    async with open_context(tmp_path / "nova", folder) as ctx:
        ctx.paths.run.mkdir(parents=True)
        ctx.paths.data.mkdir()
        yield ctx


def list_devices(ctx: NodeContext, *files: Path, inode: int = 0, device: str = "0:0") -> StandIns:
    """Add a losetup that lists a device for each file."""
    devices = [
        {"name": f"/dev/loop{number}", "back-file": str(file), "back-ino": inode, "back-maj:min": device}
        for number, file in enumerate(files)
    ]
    programs = StandIns(ctx)
    programs.add("losetup", script=f"cat <<'END'\n{json.dumps({'loopdevices': devices})}\nEND" if devices else "exit 0")
    programs.add("umount")
    return programs


async def test_without_loop_devices_losetup_prints_nothing(ctx: NodeContext) -> None:
    """Nothing is found."""
    list_devices(ctx)
    assert await find_mounts(ctx) == []


async def test_a_device_of_a_file_below_data_is_found(ctx: NodeContext) -> None:
    """The reason names the file; a device of another program, or of a folder with a similar name, is kept."""
    ours = ctx.paths.data / "instances/disk"
    list_devices(ctx, Path("/srv/image"), ours, Path(f"{ctx.paths.data}-2/disk"))
    assert await find_mounts(ctx) == [OrphanedResource("loop device", "/dev/loop1", f"it is backed by {ours}")]


@pytest.mark.parametrize("is_same", [True, False])
async def test_a_file_is_found_by_its_inode(ctx: NodeContext, tmp_path: Path, is_same: bool) -> None:  # noqa: FBT001
    """The path of libvirt's mount namespace does not exist here; the same inode of another file system is another file."""
    (tmp_path / "disks/one").touch()
    status = (tmp_path / "disks/one").stat()
    device = f"{os.major(status.st_dev)}:{os.minor(status.st_dev) + (not is_same)}"
    list_devices(ctx, Path("/hidden/disk"), inode=status.st_ino, device=device)
    found = [OrphanedResource("loop device", "/dev/loop0", "it is backed by /hidden/disk")]
    assert await find_mounts(ctx) == (found if is_same else [])


@pytest.mark.parametrize("name", ["plain", "a space", "jürgen", "雲", "back\\slash", os.fsdecode(b"caf\xe9")])
async def test_a_mount_below_run_is_found(ctx: NodeContext, name: str) -> None:
    """The kernel escapes a space and a backslash, and no other letter; a folder of the user below DIR/data is kept."""
    list_devices(ctx)
    with small_disk(ctx.paths.run / name, 1), small_disk(ctx.paths.data / name, 1):
        assert await find_mounts(ctx) == [OrphanedResource("mount", f"{ctx.paths.run}/{name}", f"it is below {ctx.paths.run}")]


async def test_inner_mounts_come_first(ctx: NodeContext) -> None:
    """An outer one cannot be unmounted before."""
    programs = list_devices(ctx)
    with small_disk(ctx.paths.run / "outer", 1), small_disk(ctx.paths.run / "outer/inner", 1):
        found = await find_mounts(ctx)
    assert await remove_found(ctx, found, REMOVERS) == "removed mount: 2"
    assert programs.calls[-2:] == [f"umount {ctx.paths.run}/outer/inner", f"umount {ctx.paths.run}/outer"]


async def test_a_device_is_detached(ctx: NodeContext) -> None:
    """The program gets its name."""
    programs = list_devices(ctx, ctx.paths.data / "disk")
    assert await remove_found(ctx, await find_mounts(ctx), REMOVERS) == "removed loop device: 1"
    assert programs.calls[-1] == "losetup --detach /dev/loop0"
