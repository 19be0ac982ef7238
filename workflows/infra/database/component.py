"""The databases: a MariaDB of the stack's own on a Unix socket, or SQLite files."""

import shutil
import sqlite3
from contextlib import closing

from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.service import Service
from novaflow.model.settings import Settings
from novaflow.model.step import EVERYTHING, ConcurrencyPool, step
from workflows.infra.database.settings import DatabaseSettings
from workflows.infra.database.urls import (
    USER,
    Database,
    database_password,
    password_hash,
    socket_path,
    template_folder,
)
from workflows.platform.system_packages import SystemPackages
from workflows.services.ini import Value, render_ini

ONE_WRITER = "services write one after the other; it serves one server at a time, of several at once one may fail"


def _uses_mysql(settings: Settings) -> bool:
    return settings.of(DatabaseSettings).use_mysql


def _uses_sqlite(settings: Settings) -> bool:
    return not settings.of(DatabaseSettings).use_mysql


def holds_servers(settings: Settings, _: Paths) -> CheckResult:
    """Look how much the databases hold."""
    if settings.of(DatabaseSettings).use_mysql:
        return CheckResult("databases", Severity.GOOD, "a MariaDB of the stack's own")
    return CheckResult("databases", Severity.WARNING, f"SQLite: {ONE_WRITER}", "leave USE_MYSQL at 1 for more than one")


@step(within_s=60, when=_uses_mysql)
async def configure(ctx: Context) -> str:
    """Write MariaDB's configuration, and the SQL that makes its user."""
    for name, data in (("mariadb", ctx.paths.data / "mariadb"), ("mariadb-template", template_folder(ctx.paths) / "mariadb")):
        options: dict[str, Value] = {
            "datadir": data,
            "socket": socket_path(ctx.paths),
            "pid-file": ctx.paths.run / "mariadb.pid",
            "init-file": ctx.paths.etc / "mariadb" / "init.sql",
            "tmpdir": ctx.paths.run,
            "user": "root",
            "skip-networking": True,
            "skip-name-resolve": True,
            "skip-log-bin": True,
            "character-set-server": "utf8mb3",
            "collation-server": "utf8mb3_general_ci",
            "max_connections": 500,
            "performance_schema": False,
            "innodb_buffer_pool_size": "128M",
            # What follows trades a crash-proof disk for speed: the databases are made afresh at every run.
            "innodb_log_file_size": "8M",
            "innodb_flush_log_at_trx_commit": 0,
            "innodb_flush_method": "nosync",
            "innodb_doublewrite": False,
            "innodb_stats_persistent": False,
            "innodb_buffer_pool_dump_at_shutdown": False,
            "innodb_buffer_pool_load_at_startup": False,
            "aria_pagecache_buffer_size": "8M",
            "key_buffer_size": "1M",
        }
        await ctx.write(ctx.paths.etc / "mariadb" / f"{name}.cnf", render_ini({"mariadbd": options}))
    databases = ctx.declared(Database)
    statements = [f"CREATE DATABASE IF NOT EXISTS {database.name};" for database in databases]
    # As a hash: what a statement may hold as it stands depends on the server's character set and mode.
    known = password_hash(database_password(ctx))
    statements.append(f"CREATE OR REPLACE USER {USER}@localhost IDENTIFIED VIA mysql_native_password USING '{known}';")
    statements.append(f"GRANT ALL ON *.* TO {USER}@localhost;")
    # The server reads one statement a line.
    await ctx.write(ctx.paths.etc / "mariadb" / "init.sql", "\n".join(statements) + "\n", 0o600)
    return f"{len(databases)} databases, user {USER}"


@step(within_s=60, when=_uses_mysql)
async def prepare(ctx: Context) -> str:
    """Make an empty MariaDB to migrate the schemas in."""
    folder = template_folder(ctx.paths)
    shutil.rmtree(folder, ignore_errors=True)
    await ctx.run(
        "mariadb-install-db",
        "--no-defaults",
        "--user=root",
        "--skip-test-db",
        "--auth-root-authentication-method=socket",
        "--innodb-log-file-size=8M",
        f"--datadir={folder / 'mariadb'}",
    )
    return str(folder)


@step(within_s=60, when=_uses_sqlite, pool=ConcurrencyPool.FREE)
async def prepare_sqlite(ctx: Context) -> str:
    """Make the folder the schemas are migrated in."""
    shutil.rmtree(template_folder(ctx.paths), ignore_errors=True)
    shutil.rmtree(ctx.paths.data / "sqlite", ignore_errors=True)
    (ctx.paths.data / "sqlite").mkdir(parents=True)
    template_folder(ctx.paths).mkdir(parents=True)
    return "SQLite"


@step(within_s=60, needs=(EVERYTHING,), when=_uses_sqlite)
async def keep_sqlite(ctx: Context) -> str:
    """Keep the files with every schema at its head, to be copied at every run."""
    for file in (ctx.paths.data / "sqlite").glob("*.db"):
        with closing(sqlite3.connect(file)) as database:  # kept in the file: readers and a writer side by side
            database.execute("PRAGMA journal_mode=WAL")
    shutil.copytree(ctx.paths.data / "sqlite", template_folder(ctx.paths) / "sqlite")
    return "SQLite"


@step(within_s=60)
async def restore(ctx: Context) -> str:
    """Start from the migrated, empty databases."""
    kind = "mariadb" if ctx.settings.of(DatabaseSettings).use_mysql else "sqlite"
    target = ctx.paths.data / kind
    shutil.rmtree(target, ignore_errors=True)
    await ctx.run("cp", "--archive", "--reflink=auto", "--sparse=always", template_folder(ctx.paths) / kind, target)
    if kind == "sqlite":
        return f"SQLite: {ONE_WRITER}"
    return "MariaDB, as it was after the last migration"


async def _ask_database(ctx: Context) -> str:
    """Ask with the user and the password that services will use."""
    sql = "SELECT VERSION()"
    answer = await ctx.run(
        "mariadb", "--no-defaults", f"--socket={socket_path(ctx.paths)}", f"--user={USER}", "--batch", "--skip-column-names",
        f"--execute={sql}",
        env={"MYSQL_PWD": database_password(ctx)}, ok=(0, 1),
    )  # fmt: skip
    if not answer.strip():
        raise NotYet("it does not answer SELECT VERSION()")
    return f"answered {sql} with {answer.strip()}"


def _mariadb(name: str, needs: tuple[str, ...], summary: str) -> Service:
    return Service(
        name=name,
        summary=summary,
        command=lambda ctx: ("mariadbd", f"--defaults-file={ctx.paths.etc}/mariadb/{name}.cnf"),
        ready=FunctionProbe(_ask_database, "SELECT VERSION() as the services' user"),
        needs=needs,
        when=_uses_mysql,
        grace_s=20,
    )


COMPONENT = Component(
    name="database",
    summary="The databases of all services.",
    declares=(SystemPackages(debian=("mariadb-server-core", "mariadb-client-core")),),
    checks=(holds_servers,),
    parts={
        "template": (
            configure,
            prepare,
            prepare_sqlite,
            _mariadb("mariadb-template", ("database.configure", "database.prepare"), "MariaDB, for the migrations."),
            keep_sqlite,
        ),
        "run": (configure, restore, _mariadb("mariadb", ("database.configure", "database.restore"), "MariaDB, of the stack's own.")),
    },
    settings=(DatabaseSettings,),
)
