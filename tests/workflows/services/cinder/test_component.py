"""cinder's configuration and its readiness."""

from configparser import RawConfigParser
from pathlib import Path

import pytest

from novaflow.model.probe import NotYet
from novaflow.model.settings import Settings
from tests.support.contexts import open_context
from tests.support.rest import RestServer, open_cloud_context
from tests.support.settings import make_settings
from workflows.infra.libvirt.settings import LibvirtType
from workflows.services.cinder.component import API, COMPONENT, VOLUME, configure, multiattach, secret
from workflows.services.cinder.config import config_file

POOLS = "/block-storage/scheduler-stats/get_pools?detail=true"


async def test_the_backend_is_the_pool_of_the_stack(tmp_path: Path) -> None:
    """Volumes are not overcommitted, and state of an earlier run is deleted."""
    config = RawConfigParser()
    async with open_context(tmp_path, COMPONENT) as ctx:
        await ctx.write(tmp_path / "data/cinder/old", "")
        await configure.body(ctx)
        config.read(config_file(ctx))
    assert config["DEFAULT"]["enabled_backends"] == "rbd"
    assert config["rbd"]["max_over_subscription_ratio"] == "1.0"
    assert config["rbd"]["rbd_ceph_conf"] == f"{tmp_path}/etc/ceph/ceph.conf"
    assert [path.name for path in (tmp_path / "data/cinder").iterdir()] == ["conversion"]


async def test_a_lost_report_of_the_pool_is_repeated_before_the_timeout(tmp_path: Path) -> None:
    """cinder-volume's first report is lost if the scheduler does not listen yet; two periods later it has been repeated."""
    config = RawConfigParser()
    async with open_context(tmp_path, COMPONENT) as ctx:
        await configure.body(ctx)
        config.read(config_file(ctx))
    names = ("periodic_fuzzy_delay", "periodic_interval", "backend_stats_polling_interval")
    assert sum(int(config["DEFAULT"][name]) for name in names) <= 30  # of the 120 s that a service has


async def test_backups_are_forbidden(tmp_path: Path) -> None:
    """There is no cinder-backup: cinder would accept the request, and could never delete the backup."""
    config = RawConfigParser()
    async with open_context(tmp_path, COMPONENT) as ctx:
        await configure.body(ctx)
        config.read(config_file(ctx))
    assert '"backup:create": "!"' in Path(config["oslo_policy"]["policy_file"]).read_text().splitlines()


async def test_the_api_finds_its_configuration(tmp_path: Path) -> None:
    """It searches the folder `.cinder` of the home folder that its environment names."""
    async with open_context(tmp_path, COMPONENT) as ctx:
        assert Path(API.env(ctx)["HOME"], ".cinder", "cinder.conf") == config_file(ctx)


@pytest.mark.parametrize(("types", "created"), [(["__DEFAULT__"], 1), (["__DEFAULT__", "multiattach"], 0)])
async def test_a_type_of_volumes_is_for_several_servers(tmp_path: Path, rest: RestServer, types: list[str], created: int) -> None:
    """It is created once."""
    rest.respond("GET", "/block-storage/types", {"volume_types": [{"name": name} for name in types]})
    rest.respond("POST", "/block-storage/types", {"volume_type": {"id": "t"}})
    async with open_cloud_context(tmp_path, rest) as ctx:
        await multiattach.body(ctx)
    new = {"volume_type": {"name": "multiattach", "extra_specs": {"multiattach": "<is> True"}}}
    assert rest.bodies("POST", "/block-storage/types") == created * [new]


async def test_volumes_are_ready_when_the_scheduler_lists_a_pool(tmp_path: Path, rest: RestServer) -> None:
    """Before that the scheduler cannot place a volume."""
    rest.respond("GET", POOLS, {"pools": []})
    rest.respond("GET", POOLS, {"pools": [{"capabilities": {"free_capacity_gb": 18.5}}]})
    async with open_cloud_context(tmp_path, rest) as ctx:
        with pytest.raises(NotYet, match=r"^cinder's scheduler lists no storage pool$"):
            await VOLUME.ready.check(ctx)  # type: ignore[union-attr]
        assert await VOLUME.ready.check(ctx) == "cinder's scheduler lists a pool with 18.5 GiB free"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("settings", "is_part"), [(make_settings(libvirt_type=LibvirtType.FAKE), False), (make_settings(libvirt_type=LibvirtType.QEMU), True)]
)
def test_libvirt_needs_the_key_of_volumes(settings: Settings, is_part: bool) -> None:  # noqa: FBT001
    """The fake driver has no libvirt."""
    assert secret.when(settings) is is_part
