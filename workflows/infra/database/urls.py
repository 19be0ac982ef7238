"""The addresses of the databases, and the template that they are copied from."""

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
from workflows.platform.python_env import CONSTRAINTS
from workflows.platform.requirements import PythonRequirements

USER = "openstack"
SQLITE_PLUGIN = "novaflow_sqlite_lock"
LOCK_TIMEOUT_S = 60  # how long a transaction of SQLite waits for the write lock


@dataclass(frozen=True, slots=True)
class Database:
    """A database that a component declares; it is created empty and migrated once, in the template."""

    name: str


def database_url(ctx: Context, name: str) -> str:
    """Return the SQLAlchemy URL of a service's database."""
    if ctx.settings.of(DatabaseSettings).use_mysql:
        return f"mysql+pymysql://{USER}:{_quote_for_pymysql(database_password(ctx))}@localhost/{name}?unix_socket={quote(str(socket_path(ctx.paths)))}"
    return f"sqlite:///{sqlite_file(ctx.paths, name)}?timeout={LOCK_TIMEOUT_S}&plugin={SQLITE_PLUGIN}"


def database_password(ctx: Context) -> str:
    """Return the password of the services' database user: MYSQL_PASS, or a generated one."""
    chosen = ctx.settings.of(DatabaseSettings).mysql_pass
    return chosen.get_secret_value() if chosen else ctx.secret("database")


def _quote_for_pymysql(password: str) -> str:
    """Return the password as a URL contains it, such that PyMySQL sends its UTF-8.

    PyMySQL encodes passwords as Latin-1 and rejects other letters; MariaDB's own clients send the bytes of the terminal, UTF-8.
    Source: pymysql.connections.Connection.__init__
    """
    return quote(password.encode().decode("latin-1"), safe="")


def password_hash(password: str) -> str:
    """Return the hash of a password that MariaDB stores. Source: MariaDB's documentation of ``PASSWORD()``."""
    return "*" + hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()  # noqa: S324 - MariaDB's algorithm


def sqlite_file(paths: Paths, name: str) -> Path:
    """Return the file of a database in SQLite."""
    return paths.data / "sqlite" / f"{name}.db"


def socket_path(paths: Paths) -> Path:
    """Return the Unix socket of the stack's MariaDB, which listens nowhere else."""
    return paths.run / "mariadb.sock"


def template_folder(paths: Paths) -> Path:
    """Return the folder of the migrated, empty databases."""
    return paths.data / "template"


def template_key(
    settings: Settings,
    paths: Paths,
    databases: Collection[Database],
    requirements: Collection[PythonRequirements],
    secrets: Path | None = None,
) -> str:
    """Return a hash of everything that the template depends on; ``secrets`` is the file of passwords, by default the current one.

    These are the kind of database, Python packages, migrations, components, passwords of accounts, and the address of endpoints.
    """
    # Nova's database of cells contains the URLs of databases, which name the plugin.
    kind = "mariadb-utf8mb4" if settings.of(DatabaseSettings).use_mysql else f"sqlite-{SQLITE_PLUGIN}"
    chosen = [
        settings.host_ip,
        *(["tls"] if settings.tls else []),
        settings.of(CoreSettings).novaflow_services,
        sorted(one.name for one in databases),
        _read_account_passwords(secrets or paths.secrets),
        _read_migrations(paths),
    ]
    packages = b"".join(file.read_bytes() for file in (CONSTRAINTS, *(one.file for one in requirements)))
    return f"{kind}-{hashlib.sha256(packages + json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:16]}"


def _read_account_passwords(file: Path) -> dict[str, str]:
    known = json.loads(file.read_text()) if file.exists() else {}
    return {name: password for name, password in known.items() if name.startswith("account-")}


def _read_migrations(paths: Paths) -> list[str]:
    """Return the text of nova's migrations, from the source tree if there is one, else from the installed package."""
    homes = [paths.source] if paths.source.exists() else [*paths.venv.glob("lib/python3*/site-packages")]
    return [path.read_text() for home in homes for path in sorted(home.glob("nova/db/*/migrations/versions/*.py"))]


def find_current_template(settings: Settings, paths: Paths, components: tuple[Component, ...]) -> str | None:
    """Return why the template need not be made, ``None`` if it must be."""
    recorded = template_folder(paths) / "key"
    key = template_key(settings, paths, declared(components, Database), declared(components, PythonRequirements))
    if recorded.exists() and recorded.read_text() == key:
        return "the template is up to date"
    return None
