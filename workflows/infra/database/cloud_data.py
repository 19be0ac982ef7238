"""The data of the cloud: copied from the template once, kept from then on, counted, and deleted."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass

from novaflow.model.context import Context
from novaflow.model.step import Skipped, step
from workflows.infra.database.origin import origin_file, write_origin
from workflows.infra.database.settings import DatabaseSettings
from workflows.infra.database.urls import USER, database_password, socket_path, sqlite_file, template_folder

ONE_WRITER = "one service writes at a time; when several servers boot at once, one may fail"


@dataclass(frozen=True, slots=True)
class Countable:
    """Resources of users in a database, which are counted before they are deleted; ``tables`` have names like ``nova.instances``."""

    noun: str
    tables: tuple[str, ...]
    where: str


@step(within_s=60)
async def restore(ctx: Context) -> Skipped | str:
    """Copy the migrated, empty databases from the template, unless the stack has a cloud."""
    if origin_file(ctx.paths).exists():
        return Skipped("the databases of the cloud are kept")
    settings = ctx.settings.of(DatabaseSettings)
    kind = "mariadb" if settings.use_mysql else "sqlite"
    target = ctx.paths.data / kind
    shutil.rmtree(target, ignore_errors=True)
    await ctx.run("cp", "--archive", "--reflink=auto", "--sparse=always", template_folder(ctx.paths) / kind, target)
    if settings.novaflow_durable:
        await ctx.run("find", target, "-exec", "sync", "{}", "+")
    await write_origin(ctx)
    return "MariaDB, copied from the template" if settings.use_mysql else f"SQLite: {ONE_WRITER}"


@step(within_s=60)
async def reset(ctx: Context) -> Skipped | str:
    """Delete the databases, and first their origin, without which there is no cloud."""
    existing = [path for path in (ctx.paths.data / "mariadb", ctx.paths.data / "sqlite") if path.exists()]
    origin_file(ctx.paths).unlink(missing_ok=True)
    for path in existing:
        shutil.rmtree(path)
    return f"deleted {', '.join(map(str, existing))}" if existing else Skipped("there are no databases")


@step(needs=("mariadb",), within_s=60)
async def count(ctx: Context) -> Skipped | str:
    """Count the servers, volumes and other resources of users in the cloud."""
    countables = sorted(ctx.declared(Countable), key=lambda each: each.noun)
    numbers = [(each.noun, await _count(ctx, each)) for each in countables]
    found = [f"{number} {noun}{'s' if number > 1 else ''}" for noun, number in numbers if number]
    return " and ".join(found) if found else Skipped("the cloud is empty")


async def _count(ctx: Context, countable: Countable) -> int:
    return sum([await _count_rows(ctx, table, countable.where) for table in countable.tables])


async def _count_rows(ctx: Context, table: str, where: str) -> int:
    if ctx.settings.of(DatabaseSettings).use_mysql:
        return int(await query_mariadb(ctx, f"SELECT COUNT(*) FROM {table} WHERE {where}"))  # noqa: S608 - constants of components
    name, _, table = table.partition(".")
    with closing(sqlite3.connect(f"file:{sqlite_file(ctx.paths, name)}?mode=ro", uri=True)) as database:
        (number,) = database.execute(f"SELECT COUNT(*) FROM {table} WHERE {where}").fetchone()  # noqa: S608
        return int(number)


async def query_mariadb(ctx: Context, sql: str) -> str:
    """Return the answer to a query, as the user of the services; empty if the server does not answer."""
    answer = await ctx.run(
        "mariadb", "--no-defaults", f"--socket={socket_path(ctx.paths)}", f"--user={USER}", "--batch", "--skip-column-names",
        f"--execute={sql}",
        env={"MYSQL_PWD": database_password(ctx)}, ok=(0, 1),
    )  # fmt: skip
    return answer.strip()
