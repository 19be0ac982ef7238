"""placement's configuration and its database."""

from configparser import RawConfigParser
from pathlib import Path

import pytest

from tests.support.contexts import open_context
from tests.support.settings import make_settings
from tests.support.stand_ins import StandIns
from workflows.services.placement.component import API, COMPONENT, configure, schema


@pytest.mark.parametrize(("use_mysql", "scheme"), [(True, "mysql+pymysql://openstack:"), (False, "sqlite:////")])
async def test_the_api_uses_its_own_database(tmp_path: Path, use_mysql: bool, scheme: str) -> None:  # noqa: FBT001
    """Nova has others."""
    config = RawConfigParser()
    async with open_context(tmp_path, COMPONENT, settings=make_settings(use_mysql=use_mysql)) as ctx:
        assert await configure.body(ctx) == f"{tmp_path}/etc/placement/placement.conf"
        config.read(Path(API.env(ctx)["OS_PLACEMENT_CONFIG_DIR"]) / "placement.conf")
    address = config["placement_database"]["connection"]
    assert address.startswith(scheme)
    assert address.partition("?")[0].rpartition("/")[2].removesuffix(".db") == "placement"


async def test_callers_are_authenticated_by_keystone(tmp_path: Path) -> None:
    """The file contains a password, which only root reads."""
    config = RawConfigParser()
    async with open_context(tmp_path, COMPONENT) as ctx:
        await configure.body(ctx)
        config.read(tmp_path / "etc/placement/placement.conf")
        password = ctx.secret("account-placement")
    assert config["api"]["auth_strategy"] == "keystone"
    assert config["keystone_authtoken"]["password"] == password
    assert (tmp_path / "etc/placement/placement.conf").stat().st_mode & 0o777 == 0o600


async def test_the_database_is_migrated(tmp_path: Path) -> None:
    """The program reads the same file as the API."""
    async with open_context(tmp_path, COMPONENT) as ctx:
        programs = StandIns(ctx)
        programs.add("placement-manage")
        await schema.body(ctx)
    assert programs.calls == [f"placement-manage --config-file {tmp_path}/etc/placement/placement.conf db sync"]
