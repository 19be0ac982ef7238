"""Settings of LDAP users."""

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from novaflow.model.settings import Settings
from novaflow.settings import Allowed, Conflict, Password, SettingsGroup, Switch
from novaflow.settings.validators import read_text


def _read_directory(url: str | None) -> str | None:
    read_text(url)
    if url is not None and not _is_directory(url):
        raise ValueError("not the address of an LDAP server followed by the name of the entry above its users")
    return url


def _is_directory(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_base = "=" in parts.path and not parts.query and parts.username is None
        return parts.scheme in {"ldap", "ldaps"} and bool(parts.hostname) and parts.port != 0 and has_base
    except ValueError:  # the port is not a number
        return False


class LdapSettings(SettingsGroup):
    """The LDAP server of users."""

    use_ldap: Switch = Field(default=False, description="1: users are kept in a private LDAP server.")
    use_opendj: Switch = Field(
        default=False, description="1, with USE_LDAP=1: users are kept in an OpenDJ or another LDAP server at NOVAFLOW_LDAP_URL."
    )
    novaflow_ldap_url: Annotated[
        str | None,
        AfterValidator(_read_directory),
        Allowed("ldap://HOST:PORT/NAME, or ldaps, where users are below NAME, such as ou=people,dc=example,dc=com", default="none"),
    ] = Field(default=None, description="The LDAP server of USE_OPENDJ=1 and the entry above its users.")
    novaflow_ldap_user: Annotated[
        str | None, AfterValidator(read_text), Allowed("a name such as cn=reader,dc=example,dc=com", default="none")
    ] = Field(default=None, description="User that may search the LDAP server; none: anonymous search.")
    novaflow_ldap_pass: Password = Field(default=None, description="Password of NOVAFLOW_LDAP_USER.")

    def find_conflicts(self, settings: Settings) -> Iterator[Conflict]:
        """Yield the settings that USE_OPENDJ requires and that are missing."""
        del settings
        if self.use_opendj and not self.use_ldap:
            yield Conflict(("USE_OPENDJ", "USE_LDAP"), "OpenDJ is used only with USE_LDAP=1")
        if self.use_opendj and not self.novaflow_ldap_url:
            yield Conflict(("USE_OPENDJ", "NOVAFLOW_LDAP_URL"), "the address of the server is missing")
