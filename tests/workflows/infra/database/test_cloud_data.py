"""The databases of the cloud are created once, kept, counted and deleted."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from novaflow.adapters.local import NodeContext
from novaflow.model.step import Skipped
from workflows.infra.database.cloud_data import Countable, count, reset, restore
from workflows.infra.database.component import prepare_sqlite
from workflows.infra.database.origin import origin_file
from workflows.infra.database.urls import sqlite_file, template_folder

MakeContext = Callable[..., NodeContext]
SERVERS = Countable("server", ("nova.instances", "nova_cell0.instances"), "deleted = 0")
VOLUMES = Countable("volume", ("cinder.volumes",), "deleted = 0")


async def make_template(ctx: NodeContext) -> None:
    """Make a template of SQLite databases."""
    await prepare_sqlite.body(ctx)
    (template_folder(ctx.paths) / "sqlite").mkdir()
    (template_folder(ctx.paths) / "sqlite/nova.db").write_text("migrated")


def insert(ctx: NodeContext, table: str, *deleted: int) -> None:
    """Create the table with a row for each value of its column ``deleted``."""
    database, _, name = table.partition(".")
    sqlite_file(ctx.paths, database).parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(sqlite_file(ctx.paths, database))) as connection, connection:
        connection.execute(f"CREATE TABLE {name} (deleted INTEGER)")
        connection.executemany(f"INSERT INTO {name} VALUES (?)", [(value,) for value in deleted])  # noqa: S608 - constants


@pytest.mark.slow
async def test_a_new_cloud_starts_from_the_template(make_context: MakeContext) -> None:
    """Databases without an origin are incomplete, and replaced."""
    ctx = make_context(use_mysql=False)
    await make_template(ctx)
    sqlite_file(ctx.paths, "nova").write_text("incomplete")
    sqlite_file(ctx.paths, "keystone").write_text("incomplete")
    await restore.body(ctx)
    assert [path.name for path in (ctx.paths.data / "sqlite").iterdir()] == ["nova.db"]
    assert sqlite_file(ctx.paths, "nova").read_text() == "migrated"


@pytest.mark.slow
async def test_the_databases_of_a_cloud_are_kept(make_context: MakeContext) -> None:
    """The next start changes nothing."""
    ctx = make_context(use_mysql=False)
    await make_template(ctx)
    await restore.body(ctx)
    sqlite_file(ctx.paths, "nova").write_text("with servers")
    assert await restore.body(ctx) == Skipped("the databases of the cloud are kept")
    assert sqlite_file(ctx.paths, "nova").read_text() == "with servers"


@pytest.mark.slow
async def test_deleted_databases_are_created_again(make_context: MakeContext) -> None:
    """Nothing of them is left, and a second deletion has nothing to do."""
    ctx = make_context(use_mysql=False)
    await make_template(ctx)
    await restore.body(ctx)
    assert await reset.body(ctx) == f"deleted {ctx.paths.data}/sqlite"
    assert not origin_file(ctx.paths).exists()
    assert await reset.body(ctx) == Skipped("there are no databases")
    await restore.body(ctx)
    assert sqlite_file(ctx.paths, "nova").read_text() == "migrated"


async def test_things_of_users_are_counted(make_context: MakeContext) -> None:
    """Rows that OpenStack has marked as deleted do not count; servers are in two databases."""
    ctx = make_context(SERVERS, VOLUMES, use_mysql=False)
    insert(ctx, "nova.instances", 0, 17, 0)
    insert(ctx, "nova_cell0.instances", 0)
    insert(ctx, "cinder.volumes", 1, 0)
    assert await count.body(ctx) == "3 servers and 1 volume"


async def test_an_empty_cloud_has_nothing_to_lose(make_context: MakeContext) -> None:
    """The step is skipped: there is nothing to ask for."""
    ctx = make_context(SERVERS, use_mysql=False)
    insert(ctx, "nova.instances", 3)
    insert(ctx, "nova_cell0.instances")
    assert await count.body(ctx) == Skipped("the cloud is empty")
