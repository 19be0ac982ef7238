"""The configuration of MariaDB: its databases and its user."""

import configparser
from collections.abc import Callable
from pathlib import Path

import pytest

from novaflow.adapters.local import NodeContext
from novaflow.model.check import Severity
from novaflow.model.paths import Paths
from tests.support.settings import make_settings
from workflows.infra.database.component import check_server, configure
from workflows.infra.database.urls import Database

MakeContext = Callable[..., NodeContext]


async def test_each_declared_database_is_created(make_context: MakeContext) -> None:
    """The init file has one statement per line, and contains the hash of the password, not the password."""
    ctx = make_context(Database("keystone"), Database("nova"), mysql_pass="password")
    assert await configure.body(ctx) == "2 databases, user openstack"
    file = ctx.paths.etc / "mariadb/init.sql"
    known = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"  # of "password". Source: MariaDB's documentation of PASSWORD()
    assert file.read_text().splitlines() == [
        "CREATE DATABASE IF NOT EXISTS keystone;",
        "CREATE DATABASE IF NOT EXISTS nova;",
        f"CREATE OR REPLACE USER openstack@localhost IDENTIFIED VIA mysql_native_password USING '{known}';",
        "GRANT ALL ON *.* TO openstack@localhost;",
    ]
    assert file.stat().st_mode & 0o777 == 0o600


async def test_mariadb_listens_on_a_unix_socket_only(make_context: MakeContext) -> None:
    """The server of the template uses the same socket and another folder."""
    ctx = make_context()
    await configure.body(ctx)
    options = {}
    for name in ("mariadb", "mariadb-template"):
        config = configparser.ConfigParser()
        config.read(ctx.paths.etc / f"mariadb/{name}.cnf")
        options[name] = dict(config["mariadbd"])
    assert {(one["socket"], one["skip-networking"]) for one in options.values()} == {(f"{ctx.paths.run}/mariadb.sock", "true")}
    assert (options["mariadb"]["datadir"], options["mariadb-template"]["datadir"]) == (
        f"{ctx.paths.data}/mariadb",
        f"{ctx.paths.data}/template/mariadb",
    )


@pytest.mark.parametrize(("durable", "expected"), [(True, None), (False, "0")])
async def test_mariadb_is_durable(make_context: MakeContext, durable: bool, expected: str | None) -> None:  # noqa: FBT001
    """The server's defaults lose no confirmed write in a power cut; NOVAFLOW_DURABLE=0 and the template are faster."""
    ctx = make_context(novaflow_durable=durable)
    await configure.body(ctx)
    found = {}
    for name in ("mariadb", "mariadb-template"):
        config = configparser.ConfigParser()
        config.read(ctx.paths.etc / f"mariadb/{name}.cnf")
        found[name] = config["mariadbd"].get("innodb_flush_log_at_trx_commit")
    assert found == {"mariadb": expected, "mariadb-template": "0"}


@pytest.mark.parametrize(("use_mysql", "severity"), [(True, Severity.GOOD), (False, Severity.WARNING)])
def test_doctor_warns_of_sqlite(tmp_path: Path, use_mysql: bool, severity: Severity) -> None:  # noqa: FBT001 - a parameter of the test
    """It allows one writer at a time."""
    assert check_server(make_settings(use_mysql=use_mysql), Paths(tmp_path)).severity is severity
