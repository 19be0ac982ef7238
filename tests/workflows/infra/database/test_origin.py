"""The settings and packages that the databases of a cloud were created for."""

import os
from pathlib import Path

import pytest

from novaflow.adapters.storage import Secrets
from novaflow.model.component import Component
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from tests.support.contexts import open_context
from tests.support.settings import make_settings
from workflows.infra.database.origin import HOST_NAME, FixedSetting, find_mismatch, has_no_cloud, host_name, write_origin
from workflows.infra.database.settings import DatabaseSettings
from workflows.infra.database.urls import Database


def component(*databases: str, fixed: str = "1") -> Component:
    """Return a component with these databases, and with a fixed setting of this value."""
    return Component("one", "One.", declares=(FixedSetting("USE_MYSQL", lambda _: fixed), *map(Database, databases)))


async def create(root: Path, made_for: Component, settings: Settings) -> None:
    """Write the origin of a cloud."""
    async with open_context(root, made_for, settings=settings) as ctx:
        await write_origin(ctx)


def test_without_origin_there_is_no_cloud(tmp_path: Path) -> None:
    """Any settings can be used."""
    assert has_no_cloud(make_settings(), Paths(tmp_path))
    assert find_mismatch(make_settings(), Paths(tmp_path), (component("nova"),)) is None


async def test_the_same_settings_can_use_the_cloud(tmp_path: Path) -> None:
    """A fixed setting of a component that was added later does not count."""
    await create(tmp_path, component("nova"), make_settings())
    added = Component("two", "Two.", declares=(FixedSetting("FIXED_RANGE", lambda _: "10.0.0.0/24"),))
    assert not has_no_cloud(make_settings(), Paths(tmp_path))
    assert find_mismatch(make_settings(), Paths(tmp_path), (component("nova"), added)) is None


async def test_another_value_is_named(tmp_path: Path) -> None:
    """The message has both values, and the two things that the user can do."""
    await create(tmp_path, component("nova", fixed="1"), make_settings())
    found = find_mismatch(make_settings(), Paths(tmp_path), (component("nova", fixed="0"),))
    expected = (
        f"USE_MYSQL is 0, but the cloud in {tmp_path} was created with 1; set it back, or delete the cloud with `novaflow up --fresh`"
    )
    assert found == expected


async def test_a_cloud_keeps_the_name_of_its_host(tmp_path: Path) -> None:
    """After the machine was renamed, services and probes use the old name until the stack stops; then the cloud cannot be used."""
    assert host_name(Paths(tmp_path)) == os.uname().nodename
    old = Component("one", "One.", declares=(FixedSetting(HOST_NAME.name, lambda _: "old-name"),))
    await create(tmp_path, old, make_settings())
    assert host_name(Paths(tmp_path)) == "old-name"
    found = find_mismatch(make_settings(), Paths(tmp_path), (Component("one", "One.", declares=(HOST_NAME,)),))
    assert found is not None
    assert found.startswith(f"the name of this machine is {os.uname().nodename}, but the cloud in {tmp_path} was created with old-name; ")


async def test_a_cloud_of_an_older_version_has_no_name(tmp_path: Path) -> None:
    """It can be used, with the name of the machine."""
    await create(tmp_path, component("nova"), make_settings())
    assert host_name(Paths(tmp_path)) == os.uname().nodename


@pytest.mark.parametrize("databases", [("nova", "heat"), ()])
async def test_other_databases_cannot_use_the_cloud(tmp_path: Path, databases: tuple[str, ...]) -> None:
    """A component that was added or removed, and a migration, change the key of the template."""
    await create(tmp_path, component("nova"), make_settings())
    found = find_mismatch(make_settings(), Paths(tmp_path), (component(*databases),))
    assert found == f"the cloud in {tmp_path} was created with other versions of its packages; delete the cloud with `novaflow up --fresh`"


async def test_durability_is_not_fixed(tmp_path: Path) -> None:
    """It changes how the server writes, not what it has written."""
    await create(tmp_path, component("nova"), make_settings(novaflow_durable=True))
    settings = make_settings(novaflow_durable=False)
    assert not settings.of(DatabaseSettings).novaflow_durable
    assert find_mismatch(settings, Paths(tmp_path), (component("nova"),)) is None


async def test_a_cloud_whose_new_secrets_are_not_applied_can_be_used(tmp_path: Path) -> None:
    """Its databases contain the old passwords of accounts; without the file of old ones, other passwords are refused."""
    paths = Paths(tmp_path)
    Secrets(paths.secrets).get("account-admin")
    await create(tmp_path, component("nova"), make_settings())
    Secrets(paths.secrets).renew(paths.old_secrets, kept=[])
    assert find_mismatch(make_settings(), paths, (component("nova"),)) is None
    await create(tmp_path, component("nova"), make_settings())  # as the last step of the rotation does
    assert find_mismatch(make_settings(), paths, (component("nova"),)) is None
    paths.old_secrets.unlink()
    assert find_mismatch(make_settings(), paths, (component("nova"),)) is None
    paths.secrets.write_text('{"account-admin": "another"}')
    assert find_mismatch(make_settings(), paths, (component("nova"),)) is not None
