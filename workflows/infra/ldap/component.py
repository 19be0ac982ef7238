"""ldap: users who live in LDAP and log in through keystone; services' own accounts stay in its database."""

import base64
import hashlib
import secrets
import shutil
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
from workflows.infra.ldap.directory import (
    LDAP_DOMAIN,
    MANAGER,
    SUFFIX,
    USERS,
    Directory,
    has_named_server,
    has_own_server,
    named_place,
    own_url,
    password_file,
    user_login,
)
from workflows.infra.ldap.settings import LdapSettings
from workflows.platform.python_env import lend_modules
from workflows.platform.system_packages import SystemPackages
from workflows.services.openstack import Api

SCHEMAS = ("core", "cosine", "inetorgperson")
KEPT_MIB = 256  # what the database may grow to; a million users would fit
PATIENCE_S = 3.0  # for a server that was named to take a connection
ANY_USER = "(objectClass=inetOrgPerson)"


def is_reachable(settings: Settings, _: Paths) -> CheckResult:
    """Look whether the server that was named answers."""
    if not has_named_server(settings):
        return CheckResult("LDAP", Severity.GOOD, "a slapd of the stack's own")
    host, port = named_place(settings)
    try:
        socket.create_connection((host, port), timeout=PATIENCE_S).close()
    except OSError as error:
        found = f"{settings.of(LdapSettings).novaflow_ldap_url} is not reached: {str(error.strerror or error).lower()}"
        return CheckResult("LDAP", Severity.BAD, found, "start that server, or name another NOVAFLOW_LDAP_URL")
    return CheckResult("LDAP", Severity.GOOD, f"{host}:{port} takes connections")


# python-ldap has no wheels, and no compiler is needed where Debian's own is lent.
@step(needs=("python.environment", "packages.install"), within_s=30)
async def binding(ctx: Context) -> Skipped | str:
    """Lend Debian's LDAP modules to the environment: keystone speaks LDAP with them."""
    return await lend_modules(ctx, "ldap", "ldapurl.py", "ldif.py", "_ldap*.so", "ldappool", "pyasn1", "pyasn1_modules", proof="ldappool")


def _config(ctx: Context) -> Path:
    return ctx.paths.etc / "ldap" / "slapd.conf"


def _database(ctx: Context) -> Path:
    return ctx.paths.data / "ldap"


@step(within_s=60, when=has_own_server)
async def configure(ctx: Context) -> str:
    """Write slapd's configuration, and its first user into an empty database."""
    shutil.rmtree(_database(ctx), ignore_errors=True)
    _database(ctx).mkdir(parents=True, mode=0o700)
    lines = [
        *(f"include /etc/ldap/schema/{schema}.schema" for schema in SCHEMAS),
        "modulepath /usr/lib/ldap",
        "moduleload back_mdb",
        f'pidfile "{ctx.paths.run}/slapd.pid"',
        "database mdb",
        f"maxsize {KEPT_MIB << 20}",
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
    await ctx.run("slapadd", "-q", "-f", _config(ctx), stdin=_first_entries(ctx).encode())
    return f"{user_login(ctx).user} below {USERS}"


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
    """Return what LDAP keeps of a password, salted. Source: slapd.conf(5), rootpw, and slappasswd(8), {SSHA}."""
    salt = secrets.token_bytes(8)
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()  # noqa: S324 - what slapd knows


async def _log_in(ctx: Context) -> str:
    try:
        answer = await ctx.run("ldapwhoami", "-x", "-H", own_url(ctx), "-D", MANAGER, "-y", password_file(ctx))
    except ProgramFailed as error:
        raise NotYet(error.log_tail) from error
    return f"answered ldapwhoami with {answer.strip()}"


SLAPD = Service(
    name="slapd",
    summary="LDAP, a slapd of the stack's own.",
    command=lambda ctx: ("slapd", "-d", "none", "-f", _config(ctx), "-h", own_url(ctx)),
    ready=FunctionProbe(_log_in, "ldapwhoami"),
    needs=("ldap.configure",),
    when=has_own_server,
)


@step(within_s=30, when=has_named_server)
async def ask(ctx: Context) -> str:
    """Log in to the server that was named, and look for users there."""
    directory = Directory.of(ctx)
    await ctx.write(password_file(ctx), directory.password, 0o600)
    login = ("-D", directory.user, "-y", str(password_file(ctx))) if directory.user else ()
    search = ("-H", directory.url, "-b", directory.base, "-z", "1", ANY_USER, "uid")
    try:
        # 4: there are more than the one asked for.
        answer = await ctx.run("ldapsearch", "-x", "-LLL", "-o", "nettimeout=5", *login, *search, ok=(0, 4))
    except ProgramFailed as error:
        message = f"{directory.url} lets nobody look for users below {directory.base}:\n{error.log_tail}"
        raise StepFailed(message) from error
    if "uid:" not in answer:
        message = f"{directory.url} has no user, {ANY_USER} with a uid, below {directory.base}; NOVAFLOW_LDAP_URL ends with where they lie"
        raise StepFailed(message)
    return f"{directory.url} has users below {directory.base}"


@step(needs=("keystone", "slapd", "ldap.ask"), within_s=60)
async def domain(ctx: Context) -> str:
    """Make keystone's domain of the users in LDAP, and let the first one in."""
    api, directory = Api.logged_in(ctx), Directory.of(ctx)
    made = (await api.call("POST", api.identity("/domains"), {"domain": {"name": LDAP_DOMAIN}}))["domain"]["id"]
    options = {
        "url": directory.url,
        **({"user": directory.user, "password": directory.password} if directory.user else {}),
        "suffix": directory.base,
        "query_scope": "sub",
        "user_tree_dn": directory.base,
        "user_objectclass": "inetOrgPerson",
        "user_id_attribute": "uid",
        "user_name_attribute": "uid",
    }
    await api.call("PUT", api.identity(f"/domains/{made}/config"), {"config": {"identity": {"driver": "ldap"}, "ldap": options}})
    users = (await api.call("GET", api.identity(f"/users?domain_id={made}")))["users"]
    if has_own_server(ctx.settings):
        role = (await api.call("GET", api.identity("/roles?name=admin")))["roles"][0]["id"]
        await api.call("PUT", api.identity(f"/projects/{api.project_id}/users/{users[0]['id']}/roles/{role}"))
    return f"domain {LDAP_DOMAIN} has {len(users)} users, from {directory.url}"


def _is_asked(settings: Settings) -> bool:
    return settings.of(LdapSettings).use_ldap


COMPONENT = Component(
    name="ldap",
    when=_is_asked,
    summary="Users who live in LDAP.",
    declares=(SystemPackages(debian=("slapd", "ldap-utils", "python3-ldap", "python3-ldappool")),),
    checks=(is_reachable,),
    parts={"install": (binding,), "run": (configure, SLAPD, ask, domain)},
    settings=(LdapSettings,),
)
