"""The directory of users: its settings, its search, and keystone's domain of it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from novaflow.adapters.local import NodeContext
from novaflow.errors import StepFailed
from novaflow.model.probe import FunctionProbe, NotYet
from tests.support.rest import RestServer, open_cloud_context
from tests.support.settings import make_settings
from tests.support.stand_ins import StandIns
from workflows.infra.ldap.component import COMPONENT, SLAPD, domain, search
from workflows.infra.ldap.directory import has_named_server, has_own_server, named_address
from workflows.infra.ldap.settings import LdapSettings

MakeContext = Callable[..., NodeContext]
BASE = "ou=people,dc=example,dc=com"
ADVICE = "NOVAFLOW_LDAP_URL must end with the entry above the users"
URL = f"ldap://ldap.example.com/{BASE}"
NAMED = {"use_ldap": True, "use_opendj": True, "novaflow_ldap_url": URL}


@pytest.mark.parametrize("url", [URL, f"ldaps://192.0.2.1:1636/{BASE}", "ldap://h/ou=a%20b", f"ldap://[2001:db8::1]:389/{BASE}"])
def test_the_address_of_a_server_names_the_entry_above_its_users(url: str) -> None:
    """A port is optional, and the name may be percent-encoded."""
    assert LdapSettings(novaflow_ldap_url=url).novaflow_ldap_url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ldap.example.com",
        "ldap://ldap.example.com/people",
        f"ldap:///{BASE}",
        f"ldap://ldap.example.com:0/{BASE}",
        f"ldap://ldap.example.com:99999/{BASE}",
        f"ldap://user:password@ldap.example.com/{BASE}",
        f"{URL}?uid",
    ],
)
def test_another_address_is_refused(url: str) -> None:
    """A password would be shown with the address; a query is not used."""
    expected = "not the address of an LDAP server followed by the name of the entry above its users"
    with pytest.raises(ValidationError, match=expected if url else "."):
        LdapSettings(novaflow_ldap_url=url)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (URL, ("ldap.example.com", 389)),
        (f"ldaps://ldap.example.com/{BASE}", ("ldap.example.com", 636)),
        (f"ldap://[2001:db8::1]:1389/{BASE}", ("2001:db8::1", 1389)),
    ],
)
def test_the_port_has_a_default(url: str, address: tuple[str, int]) -> None:
    """It is that of the scheme."""
    assert named_address(make_settings(novaflow_ldap_url=url)) == address


@pytest.mark.parametrize(
    ("values", "own", "named"), [({}, False, False), ({"use_ldap": True}, True, False), (NAMED, False, True)], ids=["none", "own", "named"]
)
def test_a_stack_has_one_server_or_none(values: dict[str, object], own: bool, named: bool) -> None:  # noqa: FBT001
    """Its own one is started only if no other one is named."""
    settings = make_settings(**values)
    assert (has_own_server(settings), has_named_server(settings)) == (own, named)
    assert (SLAPD.when(settings), search.when(settings), COMPONENT.when(settings)) == (own, named, own or named)


async def test_a_server_with_users_is_accepted(make_context: MakeContext) -> None:
    """The search is anonymous without NOVAFLOW_LDAP_USER."""
    ctx = make_context(**NAMED)
    programs = StandIns(ctx)
    programs.add("ldapsearch", script="echo 'dn: uid=one'; echo 'uid: one'; exit 4")
    assert await search.body(ctx) == f"ldap://ldap.example.com has users below {BASE}"
    assert "-D" not in programs.calls[0].split()
    assert f"-b {BASE}" in programs.calls[0]


async def test_the_password_of_a_search_is_in_no_argument(make_context: MakeContext) -> None:
    """Every user can read the arguments of programs."""
    ctx = make_context(**NAMED, novaflow_ldap_user="cn=reader", novaflow_ldap_pass="secret")
    programs = StandIns(ctx)
    programs.add("ldapsearch", script="echo 'uid: one'")
    await search.body(ctx)
    assert "-D cn=reader" in programs.calls[0]
    assert "secret" not in programs.calls[0]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "echo 'dn: ou=people'",
            f"ldap://ldap.example.com has no entry with (objectClass=inetOrgPerson) and a uid below {BASE}; {ADVICE}",
        ),
        (
            "echo 'ldap_bind: Invalid credentials (49)' >&2; exit 49",
            f"ldap://ldap.example.com rejected a search for users below {BASE}:\nldap_bind: Invalid credentials (49)",
        ),
    ],
    ids=["no users", "rejected"],
)
async def test_a_server_without_users_is_refused(make_context: MakeContext, script: str, message: str) -> None:
    """The error names the server, the entry, and what the server answered or what to do."""
    ctx = make_context(**NAMED)
    StandIns(ctx).add("ldapsearch", script=script)
    with pytest.raises(StepFailed) as raised:
        await search.body(ctx)
    assert str(raised.value) == message


async def test_the_private_server_is_ready_when_the_manager_may_log_in(make_context: MakeContext) -> None:
    """A failure is answered with the output of the program."""
    ctx = make_context(use_ldap=True)
    assert isinstance(SLAPD.ready, FunctionProbe)
    programs = StandIns(ctx)
    programs.add("ldapwhoami", script="echo dn:cn=manager,dc=novaflow")
    assert await SLAPD.ready.check(ctx) == "answered ldapwhoami with dn:cn=manager,dc=novaflow"
    programs.add("ldapwhoami", script='echo "ldap_sasl_bind(SIMPLE): Can\'t contact LDAP server (-1)" >&2; exit 255')
    with pytest.raises(NotYet, match=r"^ldap_sasl_bind\(SIMPLE\): Can't contact LDAP server \(-1\)$"):
        await SLAPD.ready.check(ctx)


def prepare_domain(rest: RestServer) -> None:
    """Prepare keystone's responses to the step that creates the domain."""
    rest.respond("GET", "/identity/domains?name=ldap", {"domains": []})
    rest.respond("POST", "/identity/domains", {"domain": {"id": "d"}})
    rest.respond("PUT", "/identity/domains/d/config", {})
    rest.respond("GET", "/identity/users?domain_id=d", {"users": [{"id": "u"}]})
    rest.respond("GET", "/identity/roles?name=admin", {"roles": [{"id": "r"}]})
    rest.respond("PUT", "/identity/projects/project/users/u/roles/r")


async def test_the_user_of_the_private_server_is_an_administrator(tmp_path: Path, rest: RestServer) -> None:
    """Keystone searches the server as its manager."""
    prepare_domain(rest)
    async with open_cloud_context(tmp_path, rest, settings=make_settings(use_ldap=True)) as ctx:
        answer = await domain.body(ctx)
        password = ctx.secret("ldap-manager")
    (body,) = rest.bodies("PUT", "/identity/domains/d/config")
    options = body["config"]["ldap"]
    assert answer == f"domain ldap has 1 users, from {options['url']}"
    assert (options["user"], options["password"], options["suffix"]) == ("cn=manager,dc=novaflow", password, "ou=users,dc=novaflow")
    assert body["config"]["identity"] == {"driver": "ldap"}
    assert rest.requests[-1].path == "/identity/projects/project/users/u/roles/r"


async def test_the_users_of_a_named_server_get_no_role(tmp_path: Path, rest: RestServer) -> None:
    """They are not the stack's; an anonymous search has no login in keystone's options."""
    prepare_domain(rest)
    async with open_cloud_context(tmp_path, rest, settings=make_settings(**NAMED)) as ctx:
        assert await domain.body(ctx) == "domain ldap has 1 users, from ldap://ldap.example.com"
    (body,) = rest.bodies("PUT", "/identity/domains/d/config")
    assert not {"user", "password"} & body["config"]["ldap"].keys()
    assert [request.path for request in rest.requests if "roles" in request.path] == []
