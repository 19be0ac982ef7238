"""nova-compute: its command, its environment and the check of its folder; and the cells that servers belong to."""

import uuid
from collections.abc import Callable, Mapping
from configparser import RawConfigParser
from pathlib import Path

import pytest

from novaflow.adapters.local import NodeContext
from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.paths import Paths
from tests.faults.disks import small_disk
from tests.support.contexts import open_context
from tests.support.settings import make_settings
from tests.support.stand_ins import StandIns
from workflows.infra.database.urls import database_password
from workflows.infra.libvirt.namespaces import enter_namespaces
from workflows.services.nova.component import BROKER_TEMPLATE, cell_schema, create_cell1, folders, map_cell0
from workflows.services.nova.compute import COMPUTE, FAKE, check_instances_path
from workflows.services.nova.config import config_file, write_config

MakeContext = Callable[..., NodeContext]


def environment(ctx: NodeContext) -> Mapping[str, str]:
    """Return what nova-compute finds in its environment."""
    assert COMPUTE.env is not None
    return COMPUTE.env(ctx)


@pytest.mark.parametrize("libvirt_type", ["qemu", "lxc", "fake"])
async def test_the_type_of_servers_determines_the_program(make_context: MakeContext, libvirt_type: str) -> None:
    """Containers need libvirt's mounts; the fake driver runs in a program of novaflow, which knows the id of its host."""
    ctx = make_context(libvirt_type=libvirt_type)
    program, arguments = ctx.paths.venv / "bin/nova-compute", ("--config-file", config_file(ctx))
    commands = {
        "qemu": (program, *arguments),
        "lxc": (*enter_namespaces(ctx.paths), program, *arguments),
        "fake": (ctx.paths.venv / "bin/python", "-P", FAKE, *arguments),
    }
    assert COMPUTE.command(ctx) == commands[libvirt_type]
    assert ("NOVAFLOW_HOST_ID" in environment(ctx)) is (libvirt_type == "fake")


async def test_the_simulated_host_keeps_its_id(make_context: MakeContext) -> None:
    """Nova stores it in a file, and refuses another one; it is a UUID."""
    disks = make_context().paths.data / "disks"
    ctx = make_context(libvirt_type="fake", instances_path=disks)
    assert await folders.body(ctx) == str(disks)
    stored = (ctx.paths.data / "nova/compute_id").read_text()
    assert stored == environment(ctx)["NOVAFLOW_HOST_ID"] == str(uuid.UUID(stored))


async def test_a_real_driver_writes_the_id_itself(make_context: MakeContext) -> None:
    """The folders are empty."""
    ctx = make_context(libvirt_type="qemu", instances_path=make_context().paths.data / "disks")
    await folders.body(ctx)
    assert [*(ctx.paths.data / "nova").iterdir()] == [*(ctx.paths.data / "disks").iterdir()] == []


@pytest.mark.parametrize(("size_mib", "severity"), [(250, Severity.GOOD), (150, Severity.BAD)])
def test_the_disk_needs_space_for_a_few_servers(tmp_path: Path, size_mib: int, severity: Severity) -> None:
    """The result has the free space, the folder and the requirement."""
    with small_disk(tmp_path / "disks", size_mib):
        result = check_instances_path(make_settings(instances_path=tmp_path / "disks/new"), Paths(tmp_path))
    found = f"{size_mib} MiB free for {tmp_path}/disks/new"
    if severity is Severity.GOOD:
        assert result == CheckResult("servers' disks", severity, found)
    else:
        advice = "free disk space, or choose another INSTANCES_PATH"
        assert result == CheckResult("servers' disks", severity, f"{found}; 200 MiB are required", advice)


def test_a_folder_that_cannot_be_written_is_bad(tmp_path: Path) -> None:
    """The kernel creates no file in /proc."""
    result = check_instances_path(make_settings(instances_path="/proc/1/disks"), Paths(tmp_path))
    assert (result.severity, result.advice) == (Severity.BAD, "choose another INSTANCES_PATH")
    assert result.found.startswith("/proc/1/disks cannot be written: /proc/1: ")


async def test_cells_contain_no_password(make_context: MakeContext) -> None:
    """Nova fills in its own; the API's database would keep an old one."""
    ctx = make_context()
    programs = StandIns(ctx)
    programs.add("nova-manage")
    template = "{scheme}://{username}:{password}@{hostname}/%s?{query}"
    assert await map_cell0.body(ctx) == template % "nova_cell0"
    assert await create_cell1.body(ctx) == template % "nova"
    manage = f"nova-manage --config-file {config_file(ctx)} cell_v2"
    assert programs.calls == [
        f"{manage} map_cell0 --database_connection {template % 'nova_cell0'}",
        f"{manage} create_cell --name cell1 --database_connection {template % 'nova'} --transport-url {BROKER_TEMPLATE}",
    ]
    assert database_password(ctx) not in "".join(programs.calls)


async def test_cells_in_sqlite_name_their_files(make_context: MakeContext) -> None:
    """Nova's templates have no place for the path of a file."""
    ctx = make_context(use_mysql=False)
    StandIns(ctx).add("nova-manage")
    for step, name in ((map_cell0, "nova_cell0"), (create_cell1, "nova")):
        assert str(await step.body(ctx)).partition("?")[0] == f"sqlite:///{ctx.paths.data}/sqlite/{name}.db"


async def test_the_schema_of_cell1_does_not_migrate_cell0(make_context: MakeContext) -> None:
    """Both steps run in parallel with others of the same database."""
    ctx = make_context()
    programs = StandIns(ctx)
    programs.add("nova-manage")
    await cell_schema.body(ctx)
    assert programs.calls == [f"nova-manage --config-file {config_file(ctx)} db sync --local_cell"]


@pytest.mark.parametrize("has_consoles", [False, True])
async def test_servers_have_consoles_with_the_proxy(tmp_path: Path, has_consoles: bool) -> None:  # noqa: FBT001
    """The page is that of noVNC; the screens of servers listen on loopback alone."""
    proxy = (Component("nova-novncproxy", "Consoles."),) if has_consoles else ()
    config = RawConfigParser()
    async with open_context(tmp_path, *proxy, settings=make_settings(host_ip="192.0.2.1", libvirt_type="qemu")) as ctx:
        await write_config(ctx)
        config.read(config_file(ctx))
    vnc = config["vnc"]
    assert vnc.getboolean("enabled") is has_consoles
    assert vnc["server_listen"] == vnc["server_proxyclient_address"] == "127.0.2.1"
    assert vnc["novncproxy_base_url"] == "https://192.0.2.1:6080/vnc_lite.html"


async def test_both_sides_of_the_metadata_service_share_a_secret(tmp_path: Path) -> None:
    """Nova checks with it what neutron's agent has signed, and only root reads it."""
    config = RawConfigParser()
    async with open_context(tmp_path, settings=make_settings(libvirt_type="qemu")) as ctx:
        await write_config(ctx)
        config.read(config_file(ctx))
        assert config["neutron"]["metadata_proxy_shared_secret"] == ctx.secret("metadata")
        assert config_file(ctx).stat().st_mode & 0o777 == 0o600
    assert config["neutron"].getboolean("service_metadata_proxy")
