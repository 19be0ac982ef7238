"""The URLs of databases, and what the template depends on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url

from novaflow.adapters.local import NodeContext
from novaflow.model.component import Component
from novaflow.model.paths import Paths
from tests.support.contexts import open_context
from tests.support.settings import make_settings
from workflows.infra.database.urls import Database, database_url, find_current_template, template_folder, template_key
from workflows.platform.requirements import PythonRequirements

MakeContext = Callable[..., NodeContext]


@pytest.mark.parametrize("password", ["simple", "p@ss:w/rd?#%", "üß€"])
async def test_mariadb_gets_the_utf8_of_a_password(make_context: MakeContext, password: str) -> None:
    """PyMySQL encodes the password of the URL as Latin-1; the result is the UTF-8 of MYSQL_PASS."""
    ctx = make_context(mysql_pass=password)
    url = make_url(database_url(ctx, "nova"))
    assert (url.drivername, url.username, url.database) == ("mysql+pymysql", "openstack", "nova")
    assert str(url.password).encode("latin-1") == password.encode()
    assert url.query == {"unix_socket": f"{ctx.paths.run}/mariadb.sock"}


async def test_sqlite_waits_for_the_write_lock(make_context: MakeContext) -> None:
    """The URL selects the plugin that takes the lock at the start of a transaction."""
    ctx = make_context(use_mysql=False)
    url = make_url(database_url(ctx, "nova"))
    assert (url.drivername, url.database) == ("sqlite", f"{ctx.paths.data}/sqlite/nova.db")
    assert url.query == {"timeout": "60", "plugin": "novaflow_sqlite_lock"}


def write_passwords(paths: Paths, **passwords: str) -> None:
    """Write the passwords of the stack."""
    paths.credentials.mkdir(exist_ok=True)
    (paths.credentials / "secrets.json").write_text(json.dumps(passwords))


@pytest.fixture
def stack(tmp_path: Path) -> tuple[Paths, tuple[Component, ...]]:
    """Return a stack with one database and one requirements file, whose template is complete."""
    file = tmp_path / "requirements.txt"
    file.write_text("heat==1\n")
    paths = Paths(tmp_path)
    write_passwords(paths, **{"account-nova": "secret"})
    template_folder(paths).mkdir(parents=True)
    requirements, database = PythonRequirements(file), Database("heat")
    (template_folder(paths) / "key").write_text(template_key(make_settings(), paths, (database,), (requirements,)))
    return paths, (Component("heat", "A service.", declares=(requirements, database)),)


def test_a_current_template_is_used(stack: tuple[Paths, tuple[Component, ...]]) -> None:
    """A password that is not of an account changes nothing."""
    paths, components = stack
    write_passwords(paths, **{"account-nova": "secret", "rabbitmq-rpc": "secret"})
    assert find_current_template(make_settings(), paths, components) == "the template is up to date"


def change_address(paths: Paths) -> dict[str, object]:
    """Change HOST_IP, which endpoints contain."""
    del paths
    return {"host_ip": "198.51.100.9"}


def change_server(paths: Paths) -> dict[str, object]:
    """Change the kind of database."""
    del paths
    return {"use_mysql": False}


def change_packages(paths: Paths) -> dict[str, object]:
    """Change a version in the requirements of the component."""
    (paths.root / "requirements.txt").write_text("heat==2\n")
    return {}


def change_password(paths: Paths) -> dict[str, object]:
    """Change the password of an account, which keystone's database contains as a hash."""
    write_passwords(paths, **{"account-nova": "other"})
    return {}


def change_migrations(paths: Paths) -> dict[str, object]:
    """Add a migration to the source tree of nova."""
    folder = paths.source / "nova/db/main/migrations/versions"
    folder.mkdir(parents=True)
    (folder / "1.py").write_text("")
    return {}


@pytest.mark.parametrize("change", [change_address, change_server, change_packages, change_password, change_migrations])
def test_a_change_makes_the_template_out_of_date(
    stack: tuple[Paths, tuple[Component, ...]], change: Callable[[Paths], dict[str, object]]
) -> None:
    """`up` then migrates the databases again."""
    paths, components = stack
    assert find_current_template(make_settings(**change(paths)), paths, components) is None


def test_another_database_makes_the_template_out_of_date(stack: tuple[Paths, tuple[Component, ...]]) -> None:
    """A component that was added has tables of its own."""
    paths, components = stack
    assert find_current_template(make_settings(), paths, (*components, Component("magnum", "", declares=(Database("magnum"),)))) is None


async def test_the_path_of_the_socket_is_part_of_a_url(tmp_path: Path) -> None:
    """SQLAlchemy reads the path back, although + means a space in a URL."""
    async with open_context(tmp_path / "a+b ü") as ctx:
        assert make_url(database_url(ctx, "nova")).query == {"unix_socket": f"{tmp_path}/a+b ü/run/mariadb.sock"}
