"""Where users live who live in LDAP: the stack's own server, or one that somebody named."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from workflows.infra.ldap.settings import LdapSettings
from workflows.services.openstack import DOMAIN_NAME

LDAP_DOMAIN = "ldap"  # keystone's name for all of them
SUFFIX = "dc=novaflow"
USERS, MANAGER = f"ou=users,{SUFFIX}", f"cn=manager,{SUFFIX}"
PORTS = {"ldap": 389, "ldaps": 636}


@dataclass(frozen=True, slots=True)
class Login:
    """What a user logs in to keystone with; ``domain`` is a name."""

    user: str
    domain: str
    password: str


def has_own_server(settings: Settings) -> bool:
    """Return whether users live in a server of the stack's own."""
    return settings.of(LdapSettings).use_ldap and not settings.of(LdapSettings).use_opendj


def has_named_server(settings: Settings) -> bool:
    """Return whether users live in a server that was there before the stack."""
    return settings.of(LdapSettings).use_ldap and settings.of(LdapSettings).use_opendj


def speaks_ldap(paths: Paths) -> bool:
    """Return whether the stack's environment was installed with what speaks LDAP."""
    return any(paths.venv.glob("lib/*/site-packages/ldappool"))


def user_login(ctx: Context) -> Login:
    """Return what the cloud's user logs in with: from LDAP, where users live there and the stack knows their passwords."""
    if has_own_server(ctx.settings):
        return Login("admin", LDAP_DOMAIN, ctx.secret("ldap-admin"))
    return Login("admin", DOMAIN_NAME, ctx.secret("account-admin"))


def own_url(ctx: Context) -> str:
    """Return the address of the stack's own server, a Unix socket."""
    return f"ldapi://{quote(str(ctx.paths.run / 'slapd.sock'), safe='')}"


def password_file(ctx: Context) -> Path:
    """Return the file with the password of whoever may search, as LDAP's own tools read it: without a line's end."""
    return ctx.paths.credentials / "ldap-password"


@dataclass(frozen=True, slots=True)
class Directory:
    """A server as keystone and LDAP's tools are told of it; ``base`` is what users lie below, ``user`` who may search, if not anybody."""

    url: str
    base: str
    user: str | None
    password: str

    @classmethod
    def of(cls, ctx: Context) -> "Directory":
        """Return the stack's own, or the one that was named."""
        settings = ctx.settings
        if has_own_server(settings):
            return cls(own_url(ctx), USERS, MANAGER, ctx.secret("ldap-manager"))
        chosen = settings.of(LdapSettings)
        parts = urlsplit(chosen.novaflow_ldap_url or "")
        password = chosen.novaflow_ldap_pass.get_secret_value() if chosen.novaflow_ldap_pass else ""
        return cls(f"{parts.scheme}://{parts.netloc}", unquote(parts.path[1:]), chosen.novaflow_ldap_user, password)


def named_place(settings: Settings) -> tuple[str, int]:
    """Return host and port of the server that was named."""
    parts = urlsplit(settings.of(LdapSettings).novaflow_ldap_url or "")
    return parts.hostname or "", parts.port or PORTS[parts.scheme]
