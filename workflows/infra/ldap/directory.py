"""The LDAP server of users: a private slapd, or the server of NOVAFLOW_LDAP_URL."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from novaflow.model.context import Context
from novaflow.model.settings import Settings
from workflows.infra.ldap.settings import LdapSettings
from workflows.services.keystone.identity import DOMAIN_NAME

LDAP_DOMAIN = "ldap"  # keystone's domain of the users
SUFFIX = "dc=novaflow"
USERS, MANAGER = f"ou=users,{SUFFIX}", f"cn=manager,{SUFFIX}"
PORTS = {"ldap": 389, "ldaps": 636}


@dataclass(frozen=True, slots=True)
class Login:
    """The credentials of a user in keystone; ``domain`` is a name."""

    user: str
    domain: str
    password: str


def has_own_server(settings: Settings) -> bool:
    """Return whether users are in a private server."""
    return settings.of(LdapSettings).use_ldap and not settings.of(LdapSettings).use_opendj


def has_named_server(settings: Settings) -> bool:
    """Return whether users are in the server of NOVAFLOW_LDAP_URL."""
    return settings.of(LdapSettings).use_ldap and settings.of(LdapSettings).use_opendj


def user_login(ctx: Context) -> Login:
    """Return the credentials of the cloud's user, who is in LDAP if the stack has a private server."""
    if has_own_server(ctx.settings):
        return Login("admin", LDAP_DOMAIN, ctx.secret("ldap-admin"))
    return Login("admin", DOMAIN_NAME, ctx.secret("account-admin"))


def own_url(ctx: Context) -> str:
    """Return the address of the private server, a Unix socket."""
    return f"ldapi://{quote(str(ctx.paths.run / 'slapd.sock'), safe='')}"


def password_file(ctx: Context) -> Path:
    """Return the file with the password of the user that may search; the tools of LDAP require it without a newline."""
    return ctx.paths.credentials / "ldap-password"


@dataclass(frozen=True, slots=True)
class Directory:
    """An LDAP server; ``base`` is the entry above its users, ``user`` may search it, ``None`` means anonymous search."""

    url: str
    base: str
    user: str | None
    password: str

    @classmethod
    def of(cls, ctx: Context) -> "Directory":
        """Return the private server, or that of NOVAFLOW_LDAP_URL."""
        settings = ctx.settings
        if has_own_server(settings):
            return cls(own_url(ctx), USERS, MANAGER, ctx.secret("ldap-manager"))
        chosen = settings.of(LdapSettings)
        parts = urlsplit(chosen.novaflow_ldap_url or "")
        password = chosen.novaflow_ldap_pass.get_secret_value() if chosen.novaflow_ldap_pass else ""
        return cls(f"{parts.scheme}://{parts.netloc}", unquote(parts.path[1:]), chosen.novaflow_ldap_user, password)


def named_address(settings: Settings) -> tuple[str, int]:
    """Return host and port of the server of NOVAFLOW_LDAP_URL."""
    parts = urlsplit(settings.of(LdapSettings).novaflow_ldap_url or "")
    return parts.hostname or "", parts.port or PORTS[parts.scheme]
