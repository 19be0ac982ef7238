"""glance's configuration, its image store and its database."""

from configparser import RawConfigParser
from pathlib import Path

from novaflow.model.step import Skipped
from tests.support.contexts import open_context
from tests.support.settings import make_settings
from tests.support.stand_ins import StandIns
from workflows.services.glance.component import API, COMPONENT, configure, reset, schema

FOLDERS = {"images", "staging", "tasks", "cache"}


async def test_every_store_has_a_folder(tmp_path: Path) -> None:
    """The folders exist, and the default store is one of those that are enabled."""
    config = RawConfigParser()
    async with open_context(tmp_path, COMPONENT, settings=make_settings(host_ip="192.0.2.1")) as ctx:
        assert await configure.body(ctx) == f"{tmp_path}/etc/glance/glance-api.conf"
        config.read(tmp_path / "etc/glance/glance-api.conf")
    stores = [config[name]["filesystem_store_datadir"] for name in ("file", "os_glance_staging_store", "os_glance_tasks_store")]
    assert [*stores, config["DEFAULT"]["image_cache_dir"]] == [
        f"{tmp_path}/data/glance/{name}" for name in ("images", "staging", "tasks", "cache")
    ]
    assert {path.name for path in (tmp_path / "data/glance").iterdir()} == FOLDERS
    assert config["DEFAULT"]["enabled_backends"] == f"{config['glance_store']['default_backend']}:file"
    assert config["DEFAULT"]["worker_self_reference_url"] == "http://127.0.2.1:9292"


async def test_callers_are_authenticated_by_keystone(tmp_path: Path) -> None:
    """The file contains a password, which only root reads; its environment names the file for the API."""
    config = RawConfigParser()
    async with open_context(tmp_path, COMPONENT) as ctx:
        await configure.body(ctx)
        environment, password = API.env(ctx), ctx.secret("account-glance")
    file = Path(environment["OS_GLANCE_CONFIG_DIR"], environment["OS_GLANCE_CONFIG_FILES"])
    config.read(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert config["paste_deploy"]["flavor"] == "keystone"
    assert (config["keystone_authtoken"]["username"], config["keystone_authtoken"]["password"]) == ("glance", password)


async def test_images_are_kept_until_a_reset(tmp_path: Path) -> None:
    """A second configuration keeps them; a second reset has nothing to delete."""
    async with open_context(tmp_path, COMPONENT) as ctx:
        await configure.body(ctx)
        (tmp_path / "data/glance/images/one").touch()
        await configure.body(ctx)
        assert (tmp_path / "data/glance/images/one").exists()
        assert await reset.body(ctx) == f"deleted {tmp_path}/data/glance"
        assert await reset.body(ctx) == Skipped("there are no images")


async def test_the_database_of_the_configuration_is_migrated(tmp_path: Path) -> None:
    """The program reads the same file as the API."""
    async with open_context(tmp_path, COMPONENT) as ctx:
        programs = StandIns(ctx)
        programs.add("glance-manage")
        await schema.body(ctx)
    program = f"glance-manage --config-file {tmp_path}/etc/glance/glance-api.conf"
    assert programs.calls == [f"{program} db_sync", f"{program} db_load_metadefs {tmp_path}/venv/etc/glance/metadefs"]
