"""LDAP: the private server's database, and the check of another server."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from novaflow.adapters.local import NodeContext
from novaflow.model.check import CheckResult, Severity
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from tests.support.settings import make_settings
from tests.support.terminals import require_program
from workflows.infra.ldap.component import check_server, configure, password
from workflows.infra.ldap.directory import Directory, user_login

MakeContext = Callable[..., NodeContext]
BASE = "ou=people,dc=example,dc=com"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Return a socket that listens on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def named_server(port: int) -> Settings:
    """Return the settings of a stack that uses an LDAP server on this port."""
    return make_settings(use_ldap=True, use_opendj=True, novaflow_ldap_url=f"ldap://127.0.0.1:{port}/{BASE}")


@pytest.mark.slow
async def test_the_private_server_has_one_user(make_context: MakeContext) -> None:
    """Slapd's own program reads the entry from the database; passwords are stored as hashes."""
    require_program("slapcat")
    ctx = make_context(use_ldap=True)
    assert await configure.body(ctx) == "user admin in ou=users,dc=novaflow"
    entries = await ctx.run("slapcat", "-f", ctx.paths.etc / "ldap/slapd.conf")
    assert "dn: uid=admin,ou=users,dc=novaflow" in entries
    assert ctx.secret("ldap-admin") not in (ctx.paths.etc / "ldap/slapd.conf").read_text()
    assert (ctx.paths.credentials / "ldap-password").read_text() == ctx.secret("ldap-manager")


@pytest.mark.slow
async def test_the_user_gets_a_new_password(make_context: MakeContext) -> None:
    """Slapd's own program changes the entry; no password is in its arguments."""
    require_program("slapmodify")
    ctx = make_context(use_ldap=True)
    await configure.body(ctx)
    before = await ctx.run("slapcat", "-f", ctx.paths.etc / "ldap/slapd.conf", "-a", "(uid=admin)")
    assert await password.body(ctx) == "user admin has a new password"
    after = await ctx.run("slapcat", "-f", ctx.paths.etc / "ldap/slapd.conf", "-a", "(uid=admin)")
    hashes = [[line for line in text.splitlines() if line.startswith("userPassword")] for text in (before, after)]
    assert [len(each) for each in hashes] == [1, 1]
    assert hashes[0] != hashes[1]


def test_a_server_that_listens_is_good(tmp_path: Path, listener: socket.socket) -> None:
    """The check connects and sends nothing."""
    port = listener.getsockname()[1]
    result = check_server(named_server(port), Paths(tmp_path))
    assert result == CheckResult("LDAP", Severity.GOOD, f"127.0.0.1:{port} accepts connections")


def test_a_server_that_does_not_listen_is_bad(tmp_path: Path, listener: socket.socket) -> None:
    """The result names its address and the reason."""
    port = listener.getsockname()[1]
    listener.close()
    result = check_server(named_server(port), Paths(tmp_path))
    expected = f"ldap://127.0.0.1:{port}/{BASE} is unreachable: connection refused"
    assert result == CheckResult("LDAP", Severity.BAD, expected, "start that server, or choose another NOVAFLOW_LDAP_URL")


def test_a_private_server_need_not_be_checked(tmp_path: Path) -> None:
    """`run` starts it."""
    assert check_server(make_settings(use_ldap=True), Paths(tmp_path)) == CheckResult("LDAP", Severity.GOOD, "a private slapd")


async def test_the_clouds_user_is_in_the_private_server(make_context: MakeContext) -> None:
    """With another server its passwords are unknown, and the user stays in keystone's database."""
    assert user_login(make_context(use_ldap=True)).domain == "ldap"
    assert user_login(make_context()).domain == "Default"


async def test_a_named_server_may_be_searched_anonymously(make_context: MakeContext) -> None:
    """The path of its URL is the entry above its users."""
    ctx = make_context(use_ldap=True, use_opendj=True, novaflow_ldap_url="ldaps://ldap.example.com/ou=people%2Cdc=example")
    assert Directory.of(ctx) == Directory("ldaps://ldap.example.com", "ou=people,dc=example", None, "")
