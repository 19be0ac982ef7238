"""ldap: users in an LDAP server, who log in through keystone; the accounts of services stay in keystone's database."""

import base64
import hashlib
import secrets
import socket
from pathlib import Path

from novaflow.errors import ProgramFailed, StepFailed
from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.service import Service
from novaflow.model.settings import Settings
from novaflow.model.step import Skipped, step
from workflows.infra.database.origin import FixedSetting
from workflows.infra.ldap.directory import (
    LDAP_DOMAIN,
    MANAGER,
    SUFFIX,
    USERS,
    Directory,
    has_named_server,
    has_own_server,
    named_address,
    own_url,
    password_file,
    user_login,
)
from workflows.infra.ldap.settings import LdapSettings
from workflows.platform.detect import find_distribution
from workflows.platform.disk import delete_folder
from workflows.platform.install_check import InstallCheck
from workflows.platform.python_env import link_modules
from workflows.platform.system_packages import SystemPackages
from workflows.services.keystone.client import admin_api

SCHEMAS = ("core", "cosine", "inetorgperson")
DATABASE_MIB = 256  # upper limit; enough for a million users
CONNECT_WITHIN_S = 3.0
ANY_USER = "(objectClass=inetOrgPerson)"


def check_server(settings: Settings, _: Paths) -> CheckResult:
    """Check that the LDAP server of NOVAFLOW_LDAP_URL accepts connections."""
    if not has_named_server(settings):
        return CheckResult("LDAP", Severity.GOOD, "a private slapd")
    host, port = named_address(settings)
    try:
        socket.create_connection((host, port), timeout=CONNECT_WITHIN_S).close()
    except OSError as error:
        found = f"{settings.of(LdapSettings).novaflow_ldap_url} is unreachable: {str(error.strerror or error).lower()}"
        return CheckResult("LDAP", Severity.BAD, found, "start that server, or choose another NOVAFLOW_LDAP_URL")
    return CheckResult("LDAP", Severity.GOOD, f"{host}:{port} accepts connections")


# python-ldap has no wheels; the system's module needs no compiler.
@step(needs=("python.environment", "packages.install"), within_s=30)
async def binding(ctx: Context) -> Skipped | str:
    """Link the system's LDAP modules, which keystone uses, into the stack's virtual environment."""
    return await link_modules(ctx, "ldap", "ldapurl.py", "ldif.py", "_ldap*.so", "ldappool", "pyasn1", "pyasn1_modules", proof="ldappool")


def _is_complete(_: Settings, paths: Paths, __: tuple[Component, ...]) -> bool:
    return any(paths.venv.glob("lib/*/site-packages/ldappool"))


def _config(ctx: Context) -> Path:
    return ctx.paths.etc / "ldap" / "slapd.conf"


def _database(ctx: Context) -> Path:
    return ctx.paths.data / "ldap"


@step(within_s=60, when=has_own_server)
async def configure(ctx: Context) -> str:
    """Write the configuration of slapd, and create its database with one user; an existing database is kept."""
    _database(ctx).mkdir(parents=True, mode=0o700, exist_ok=True)
    distribution = find_distribution()
    lines = [
        *(f"include {distribution.path('ldap-schemas')}/{schema}.schema" for schema in SCHEMAS),
        f"modulepath {distribution.path('ldap-modules')}",
        "moduleload back_mdb",
        f'pidfile "{ctx.paths.run}/slapd.pid"',
        "database mdb",
        f"maxsize {DATABASE_MIB << 20}",
        f'suffix "{SUFFIX}"',
        f'rootdn "{MANAGER}"',
        f"rootpw {_hash(ctx.secret('ldap-manager'))}",
        f'directory "{_database(ctx)}"',
        "index objectClass,uid eq",
        "access to attrs=userPassword by self write by anonymous auth by * none",
        "access to * by users read by * none",
    ]
    await ctx.write(_config(ctx), "\n".join(lines) + "\n", 0o600)
    await ctx.write(password_file(ctx), ctx.secret("ldap-manager"), 0o600)
    # The last write of the creation: without it, the database is created again.
    if not (_database(ctx) / "created").exists():
        await ctx.run("find", _database(ctx), "-mindepth", "1", "-delete")
        await ctx.run("slapadd", "-q", "-f", _config(ctx), stdin=_first_entries(ctx).encode())
        await ctx.write(_database(ctx) / "created", "", fsync=True)
    return f"user {user_login(ctx).user} in {USERS}"


@step(needs=("ldap.configure",), within_s=60, when=has_own_server)
async def password(ctx: Context) -> str:
    """Set the new password of the user in the private directory."""
    login = user_login(ctx)
    change = f"dn: uid={login.user},{USERS}\nchangetype: modify\nreplace: userPassword\nuserPassword: {_hash(login.password)}\n"
    await ctx.run("slapmodify", "-q", "-f", _config(ctx), stdin=change.encode())
    return f"user {login.user} has a new password"


@step(after=("database.reset",), within_s=60)
async def reset(ctx: Context) -> Skipped | str:
    """Delete the private directory."""
    return delete_folder(_database(ctx), missing="there is no directory")


def _first_entries(ctx: Context) -> str:
    login = user_login(ctx)
    return f"""\
dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
o: novaflow

dn: {USERS}
objectClass: organizationalUnit

dn: uid={login.user},{USERS}
objectClass: inetOrgPerson
cn: {login.user}
sn: {login.user}
userPassword: {_hash(login.password)}
"""


def _hash(password: str) -> str:
    """Return the salted hash of a password that slapd stores. Source: slapd.conf(5), rootpw, and slappasswd(8), {SSHA}."""
    salt = secrets.token_bytes(8)
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()  # noqa: S324 - slapd's algorithm


async def _probe_slapd(ctx: Context) -> str:
    try:
        answer = await ctx.run("ldapwhoami", "-x", "-H", own_url(ctx), "-D", MANAGER, "-y", password_file(ctx))
    except ProgramFailed as error:
        raise NotYet(error.log_tail) from error
    return f"answered ldapwhoami with {answer.strip()}"


SLAPD = Service(
    name="slapd",
    summary="The LDAP server, private to the stack.",
    command=lambda ctx: ("slapd", "-d", "none", "-f", _config(ctx), "-h", own_url(ctx)),
    ready=FunctionProbe(_probe_slapd, "ldapwhoami"),
    needs=("ldap.configure",),
    when=has_own_server,
)


@step(within_s=30, when=has_named_server)
async def search(ctx: Context) -> str:
    """Search the LDAP server of NOVAFLOW_LDAP_URL for users."""
    directory = Directory.of(ctx)
    await ctx.write(password_file(ctx), directory.password, 0o600)
    login = ("-D", directory.user, "-y", str(password_file(ctx))) if directory.user else ()
    query = ("-H", directory.url, "-b", directory.base, "-z", "1", ANY_USER, "uid")
    try:
        # 4: the server has more entries than the limit of 1.
        answer = await ctx.run("ldapsearch", "-x", "-LLL", "-o", "nettimeout=5", *login, *query, ok=(0, 4))
    except ProgramFailed as error:
        message = f"{directory.url} rejected a search for users below {directory.base}:\n{error.log_tail}"
        raise StepFailed(message) from error
    if "uid:" not in answer:
        found = f"{directory.url} has no entry with {ANY_USER} and a uid below {directory.base}"
        raise StepFailed(f"{found}; NOVAFLOW_LDAP_URL must end with the entry above the users")
    return f"{directory.url} has users below {directory.base}"


@step(needs=("keystone", "slapd", "ldap.search"), within_s=60)
async def domain(ctx: Context) -> str:
    """Create the keystone domain of the users in LDAP, and make the private server's user an administrator."""
    api, directory = admin_api(ctx), Directory.of(ctx)
    created = (await api.ensure("identity", "/domains", "domain", {"name": LDAP_DOMAIN}))["id"]
    config = {"identity": {"driver": "ldap"}, "ldap": _keystone_options(directory)}
    await api.put("identity", f"/domains/{created}/config", {"config": config})
    users = (await api.get("identity", f"/users?domain_id={created}"))["users"]
    if has_own_server(ctx.settings):
        role = (await api.get("identity", "/roles?name=admin"))["roles"][0]["id"]
        await api.put("identity", f"/projects/{api.project_id}/users/{users[0]['id']}/roles/{role}")
    return f"domain {LDAP_DOMAIN} has {len(users)} users, from {directory.url}"


def _keystone_options(directory: Directory) -> dict[str, str]:
    login = {"user": directory.user, "password": directory.password} if directory.user else {}
    return {
        "url": directory.url,
        **login,
        "suffix": directory.base,
        "query_scope": "sub",
        "user_tree_dn": directory.base,
        "user_objectclass": "inetOrgPerson",
        "user_id_attribute": "uid",
        "user_name_attribute": "uid",
    }


COMPONENT = Component(
    name="ldap",
    when=lambda settings: settings.of(LdapSettings).use_ldap,
    summary="Users in an LDAP server.",
    declares=(
        SystemPackages(debian=("slapd", "ldap-utils", "python3-ldap", "python3-ldappool")),
        InstallCheck(_is_complete),
        FixedSetting("NOVAFLOW_LDAP_URL", lambda settings: settings.of(LdapSettings).novaflow_ldap_url or ""),
    ),
    checks=(check_server,),
    parts={"install": (binding,), "run": (configure, SLAPD, search, domain), "rotate": (configure, password), "reset": (reset,)},
    settings=(LdapSettings,),
)
