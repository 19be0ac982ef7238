"""Where databases live, and the template they are copied from."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from novaflow.model.component import Component, declared
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from novaflow.settings import CoreSettings
from workflows.infra.database.settings import DatabaseSettings
from workflows.platform.python_env import CONSTRAINTS, EC2_CONSTRAINTS, SQLITE_PLUGIN

USER = "openstack"
LOCKED_S = 60  # a writer waits for the one before it, instead of failing at once


@dataclass(frozen=True, slots=True)
class Database:
    """A database that a component declares; it is created empty and migrated once, in the template."""

    name: str


def database_url(ctx: Context, name: str) -> str:
    """Return the SQLAlchemy address of the service's database."""
    if ctx.settings.of(DatabaseSettings).use_mysql:
        return f"mysql+pymysql://{USER}:{_quote_for_pymysql(database_password(ctx))}@localhost/{name}?unix_socket={socket_path(ctx.paths)}"
    return f"sqlite:///{sqlite_file(ctx.paths, name)}?timeout={LOCKED_S}&plugin={SQLITE_PLUGIN}"


def database_password(ctx: Context) -> str:
    """Return the password the services' database user has: the user's, or a generated one."""
    chosen = ctx.settings.of(DatabaseSettings).mysql_pass
    return chosen.get_secret_value() if chosen else ctx.secret("database")


def _quote_for_pymysql(password: str) -> str:
    """Return the password as a URL holds it, so that PyMySQL sends its UTF-8.

    PyMySQL sends Latin-1, and knows no other letters; MariaDB's own clients send what the terminal does, UTF-8.
    Source: pymysql.connections.Connection.__init__
    """
    return quote(password.encode().decode("latin-1"), safe="")


def password_hash(password: str) -> str:
    """Return what MariaDB keeps of a password. Source: MariaDB's documentation of ``PASSWORD()``."""
    return "*" + hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()  # noqa: S324 - the server's choice


def sqlite_file(paths: Paths, name: str) -> Path:
    """Return the file of a database, where databases are SQLite's."""
    return paths.data / "sqlite" / f"{name}.db"


def socket_path(paths: Paths) -> Path:
    """Return the Unix socket of the stack's MariaDB, its only door."""
    return paths.run / "mariadb.sock"


def template_folder(paths: Paths) -> Path:
    """Return the folder of the migrated, empty databases."""
    return paths.data / "template"


def template_key(settings: Settings, paths: Paths, databases: Collection[Database]) -> str:
    """Return what the template depends on: database, releases, migrations, components, accounts, the address in the catalogue."""
    kind = "mariadb" if settings.of(DatabaseSettings).use_mysql else f"sqlite-{SQLITE_PLUGIN}"  # cells' addresses lie in the template
    passwords = paths.credentials / "secrets.json"
    known = json.loads(passwords.read_text()) if passwords.exists() else {}
    accounts = {name: password for name, password in known.items() if name.startswith("account-")}
    chosen = json.dumps(
        [
            settings.host_ip,
            settings.of(CoreSettings).novaflow_services,
            sorted(one.name for one in databases),
            accounts,
            _read_migrations(paths),
        ],
        sort_keys=True,
    )
    content = CONSTRAINTS.read_bytes() + EC2_CONSTRAINTS.read_bytes() + chosen.encode()
    return f"{kind}-{hashlib.sha256(content).hexdigest()[:16]}"


def _read_migrations(paths: Paths) -> list[str]:
    """Return the migrations of the source tree, or of the release, where there is none: the same where they are the same."""
    homes = [paths.source] if paths.source.exists() else [*paths.venv.glob("lib/python3*/site-packages")]
    return [path.read_text() for home in homes for path in sorted(home.glob("nova/db/*/migrations/versions/*.py"))]


def template_is_sealed(settings: Settings, paths: Paths, components: tuple[Component, ...]) -> str | None:
    """Return why there is no need to migrate anything, ``None`` if there is."""
    seal = template_folder(paths) / "seal"
    if seal.exists() and seal.read_text() == template_key(settings, paths, declared(components, Database)):
        return "the migrated databases are there already"
    return None
