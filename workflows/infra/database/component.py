"""The databases of all services: a private MariaDB on a Unix socket, or SQLite files."""

import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.service import Service
from novaflow.model.settings import Settings
from novaflow.model.step import EVERYTHING, ConcurrencyPool, step
from novaflow.settings import CoreSettings
from workflows.infra.database.cloud_data import ONE_WRITER, count, query_mariadb, reset, restore
from workflows.infra.database.origin import HOST_NAME, FixedSetting
from workflows.infra.database.settings import DatabaseSettings
from workflows.infra.database.urls import (
    SQLITE_PLUGIN,
    USER,
    Database,
    database_password,
    password_hash,
    socket_path,
    template_folder,
)
from workflows.platform.requirements import PythonModule, PythonPackages
from workflows.platform.system_packages import SystemPackages
from workflows.services.oslo.config_file import Value, render_config

# Without these, the server flushes its log at each commit, and a page that was half written is repaired from a second copy.
NOT_DURABLE: Mapping[str, Value] = {
    "innodb_flush_log_at_trx_commit": 0,
    "innodb_flush_method": "nosync",
    "innodb_doublewrite": "OFF",  # no boolean any more since MariaDB 11
}
# The server ignores the umask of its parent. Source: MariaDB's documentation, "Environment Variables"
FOR_OWNER: Mapping[str, str] = {"UMASK": "0600", "UMASK_DIR": "0700"}
FIXED = (
    HOST_NAME,
    FixedSetting("HOST_IP", lambda settings: str(settings.host_ip)),
    FixedSetting("NOVAFLOW_SERVICES", lambda settings: ",".join(sorted(settings.of(CoreSettings).novaflow_services))),
    FixedSetting("USE_MYSQL", lambda settings: str(int(settings.of(DatabaseSettings).use_mysql))),
)

SQLITE_LOCK = PythonModule(
    name=SQLITE_PLUGIN,
    source=Path(__file__).with_name("sqlite_lock.py"),
    entry_points=f"[sqlalchemy.plugins]\n{SQLITE_PLUGIN} = {SQLITE_PLUGIN}:WriteLockFirst\n",
)


def _uses_mysql(settings: Settings) -> bool:
    return settings.of(DatabaseSettings).use_mysql


def _uses_sqlite(settings: Settings) -> bool:
    return not settings.of(DatabaseSettings).use_mysql


def check_server(settings: Settings, _: Paths) -> CheckResult:
    """Check whether the databases allow several servers to boot at once."""
    if settings.of(DatabaseSettings).use_mysql:
        return CheckResult("databases", Severity.GOOD, "a private MariaDB")
    return CheckResult("databases", Severity.WARNING, f"SQLite: {ONE_WRITER}", "set USE_MYSQL=1 to boot several servers at once")


@step(within_s=60, when=_uses_mysql)
async def configure(ctx: Context) -> str:
    """Write the configuration of MariaDB, and the SQL that creates the databases and their user."""
    durable = ctx.settings.of(DatabaseSettings).novaflow_durable
    for name, data, speed in (
        ("mariadb", ctx.paths.data / "mariadb", {} if durable else NOT_DURABLE),
        ("mariadb-template", template_folder(ctx.paths) / "mariadb", NOT_DURABLE),
    ):
        await ctx.write(_config_file(ctx, name), render_config({"mariadbd": {**_options(ctx, data), **speed}}))
    databases = ctx.declared(Database)
    await ctx.write(_init_file(ctx), _render_sql(databases, database_password(ctx)), 0o600)
    return f"{len(databases)} databases, user {USER}"


def _config_file(ctx: Context, name: str) -> Path:
    return ctx.paths.etc / "mariadb" / f"{name}.cnf"


def _init_file(ctx: Context) -> Path:
    return ctx.paths.etc / "mariadb" / "init.sql"


def _options(ctx: Context, data: Path) -> dict[str, Value]:
    return {
        "datadir": data,
        "socket": socket_path(ctx.paths),
        "pid-file": ctx.paths.run / "mariadb.pid",
        "init-file": _init_file(ctx),
        "tmpdir": ctx.paths.run,
        "user": "root",
        "skip-networking": True,
        "skip-name-resolve": True,
        "skip-log-bin": True,
        # Every character of Unicode: without the old mode, the `utf8` of OpenStack's tables is utf8mb4, not utf8mb3.
        "old-mode": "",
        "character-set-server": "utf8mb4",
        "collation-server": "utf8mb4_general_ci",
        "max_connections": 500,
        "performance_schema": False,
        "innodb_buffer_pool_size": "128M",
        "innodb_log_file_size": "8M",
        "innodb_stats_persistent": False,
        "innodb_buffer_pool_dump_at_shutdown": False,
        "innodb_buffer_pool_load_at_startup": False,
        "aria_pagecache_buffer_size": "8M",
        "key_buffer_size": "1M",
    }


def _render_sql(databases: Sequence[Database], password: str) -> str:
    """Return the statements of the init file, one per line as MariaDB requires."""
    statements = [f"CREATE DATABASE IF NOT EXISTS {database.name};" for database in databases]
    # A hash, because the quoting of a password depends on the server's character set and mode.
    known = password_hash(password)
    statements.append(f"CREATE OR REPLACE USER {USER}@localhost IDENTIFIED VIA mysql_native_password USING '{known}';")
    statements.append(f"GRANT ALL ON *.* TO {USER}@localhost;")
    return "\n".join(statements) + "\n"


@step(within_s=60, when=_uses_mysql)
async def prepare(ctx: Context) -> str:
    """Create an empty MariaDB, in which the schemas are migrated."""
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
        env=FOR_OWNER,
    )
    return str(folder)


@step(within_s=60, when=_uses_sqlite, pool=ConcurrencyPool.FREE)
async def prepare_sqlite(ctx: Context) -> str:
    """Create the folder in which the schemas are migrated."""
    shutil.rmtree(template_folder(ctx.paths), ignore_errors=True)
    shutil.rmtree(ctx.paths.data / "sqlite", ignore_errors=True)
    (ctx.paths.data / "sqlite").mkdir(parents=True)
    template_folder(ctx.paths).mkdir(parents=True)
    return "SQLite"


@step(within_s=60, needs=(EVERYTHING,), when=_uses_sqlite)
async def keep_sqlite(ctx: Context) -> str:
    """Copy the migrated databases into the template."""
    for file in (ctx.paths.data / "sqlite").glob("*.db"):
        with closing(sqlite3.connect(file)) as database:  # stored in the file; readers do not block the writer
            database.execute("PRAGMA journal_mode=WAL")
    shutil.copytree(ctx.paths.data / "sqlite", template_folder(ctx.paths) / "sqlite")
    return "SQLite"


async def _probe_mariadb(ctx: Context) -> str:
    """Log in with the user and the password of the services."""
    sql = "SELECT VERSION()"
    answer = await query_mariadb(ctx, sql)
    if not answer:
        raise NotYet(f"no answer to {sql}")
    return f"answered {sql} with {answer}"


def _mariadb(name: str, needs: tuple[str, ...], summary: str) -> Service:
    return Service(
        name=name,
        summary=summary,
        command=lambda ctx: ("mariadbd", f"--defaults-file={_config_file(ctx, name)}"),
        env=lambda _: FOR_OWNER,
        ready=FunctionProbe(_probe_mariadb, "SELECT VERSION() as the services' user"),
        needs=needs,
        when=_uses_mysql,
        grace_s=20,
    )


MARIADB = _mariadb("mariadb", ("database.configure", "database.restore"), "MariaDB, private to the stack.")

COMPONENT = Component(
    name="database",
    summary="The databases of all services.",
    declares=(SystemPackages(debian=("mariadb-server-core", "mariadb-client-core")), PythonPackages(("PyMySQL",)), SQLITE_LOCK, *FIXED),
    checks=(check_server,),
    parts={
        "template": (
            configure,
            prepare,
            prepare_sqlite,
            _mariadb("mariadb-template", ("database.configure", "database.prepare"), "MariaDB, for the migrations."),
            keep_sqlite,
        ),
        "run": (configure, restore, MARIADB),
        "rotate": (configure, restore, MARIADB),
        "reset": (reset,),
        "inventory": (configure, replace(MARIADB, needs=("database.configure",)), count),
    },
    settings=(DatabaseSettings,),
)
