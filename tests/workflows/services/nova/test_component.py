"""The steps that all services of nova share."""

from pathlib import Path

import pytest

from tests.support.contexts import open_context
from tests.support.settings import make_settings
from workflows.services.nova.component import COMPONENT, configure, folders, reset
from workflows.services.nova.config import config_file

INSTANCE = "5d2f4e0a-6c39-4ad1-9b52-2f0c1a6b8e11"


@pytest.mark.parametrize("name", [INSTANCE, f"{INSTANCE}_resize", f"{INSTANCE}_del", "_base", "locks", "compute_nodes", "snapshots"])
async def test_disks_of_earlier_servers_are_deleted(tmp_path: Path, name: str) -> None:
    """The entries that nova creates are recognized by their names."""
    (tmp_path / "instances" / name).mkdir(parents=True)
    async with open_context(tmp_path, settings=make_settings(instances_path=tmp_path / "instances")) as ctx:
        assert await reset.body(ctx) == f"deleted 1 entries of {tmp_path}/instances"
    assert [*(tmp_path / "instances").iterdir()] == []


async def test_other_files_in_instances_path_are_kept(tmp_path: Path) -> None:
    """INSTANCES_PATH may be a folder that the user has for other things, too."""
    (tmp_path / "instances/notes").mkdir(parents=True)
    (tmp_path / f"instances/{INSTANCE}.txt").touch()
    async with open_context(tmp_path, settings=make_settings(instances_path=tmp_path / "instances")) as ctx:
        assert await reset.body(ctx) == f"deleted 0 entries of {tmp_path}/instances"
    assert {path.name for path in (tmp_path / "instances").iterdir()} == {"notes", f"{INSTANCE}.txt"}


async def test_the_identity_of_the_host_is_deleted(tmp_path: Path) -> None:
    """It would contradict the new databases, and nova-compute would not start."""
    (tmp_path / "data/nova").mkdir(parents=True)
    (tmp_path / "data/nova/compute_id").touch()
    async with open_context(tmp_path, settings=make_settings(instances_path=tmp_path / "instances")) as ctx:
        await reset.body(ctx)
        await folders.body(ctx)
    assert [*(tmp_path / "data/nova").iterdir()] == []


async def test_disks_and_identity_are_kept_by_a_start(tmp_path: Path) -> None:
    """The step before nova-compute creates the folders and deletes nothing."""
    (tmp_path / "data/nova").mkdir(parents=True)
    (tmp_path / "data/nova/compute_id").touch()
    (tmp_path / "instances" / INSTANCE).mkdir(parents=True)
    async with open_context(tmp_path, settings=make_settings(instances_path=tmp_path / "instances")) as ctx:
        await folders.body(ctx)
    assert (tmp_path / "data/nova/compute_id").exists()
    assert (tmp_path / "instances" / INSTANCE).exists()


@pytest.mark.parametrize("home", ["source", "venv"])
async def test_the_paste_configuration_comes_from_the_running_code(tmp_path: Path, home: str) -> None:
    """It is that of the source tree, if the stack runs from one."""
    for name in {"venv", home}:
        (tmp_path / name / "etc/nova").mkdir(parents=True)
        (tmp_path / name / "etc/nova/api-paste.ini").write_text(name)
    async with open_context(tmp_path, COMPONENT) as ctx:
        assert await configure.body(ctx) == str(config_file(ctx))
        assert (config_file(ctx).parent / "api-paste.ini").read_text() == home
