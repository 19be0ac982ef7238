"""`novaflow env`: shell exports."""

import anyio
import pytest

from novaflow.settings import bypass_proxies
from tests.support.toy_stack import Novaflow, ToyStack


async def evaluate(novaflow: Novaflow, names: str, environ: dict[str, str]) -> list[str]:
    """Return the values of variables, separated by spaces, in a shell that has evaluated the exports twice."""
    script = f'set -eu; eval "$0"; eval "$0"; for name in {names}; do printenv "$name" || echo -; done'
    ended = await anyio.run_process(["/bin/sh", "-c", script, novaflow("env").out], env={"PATH": "/usr/bin:/bin", **environ})
    return ended.stdout.decode().splitlines()


def write_openrc(toy: ToyStack, text: str) -> None:
    """Write the credentials of the stack."""
    toy.paths.credentials.mkdir(parents=True)
    (toy.paths.credentials / "openrc").write_text(text)


async def test_only_credentials_are_exported(novaflow: Novaflow, toy: ToyStack) -> None:
    """A setting of this stack would override the .env of the next one: none is exported."""
    write_openrc(toy, "export OS_USERNAME='admin'\n" + bypass_proxies("127.0.0.1"))
    names = [line.split()[1].partition("=")[0] for line in novaflow("env").out.splitlines() if line.startswith("export ")]
    assert names == ["OS_USERNAME", "no_proxy"]
    assert await evaluate(novaflow, "OS_USERNAME SCREEN_NAME", {}) == ["admin", "-"]


@pytest.mark.parametrize(
    ("environ", "values"),
    [
        ({}, ["192.0.2.7", "192.0.2.7"]),
        ({"no_proxy": "one,two"}, ["one,two,192.0.2.7", "one,two,192.0.2.7"]),
        ({"NO_PROXY": "one"}, ["one,192.0.2.7", "one,192.0.2.7"]),
        ({"no_proxy": "192.0.2.7", "NO_PROXY": "192.0.2.70"}, ["192.0.2.7", "192.0.2.70,192.0.2.7"]),
    ],
)
async def test_the_stack_is_reached_without_a_proxy(novaflow: Novaflow, toy: ToyStack, environ: dict[str, str], values: list[str]) -> None:
    """HOST_IP is added once to what the user has in no_proxy."""
    write_openrc(toy, "export OS_USERNAME='admin'\n")
    (toy.root / ".env").write_text("HOST_IP=192.0.2.7\n")
    assert await evaluate(novaflow, "no_proxy NO_PROXY", environ) == values


async def test_the_address_of_the_credentials_is_reached_without_a_proxy(novaflow: Novaflow, toy: ToyStack) -> None:
    """A member of NOVAFLOW_GROUP cannot read HOST_IP in the folder of the stack; a password is not taken for an address."""
    write_openrc(toy, "export OS_PASSWORD='[x'\nexport OS_AUTH_URL='http://192.0.2.9:5000/v3'\n")
    assert await evaluate(novaflow, "no_proxy NO_PROXY", {}) == ["192.0.2.9", "192.0.2.9"]


def test_a_stack_that_was_never_run_has_no_credentials(novaflow: Novaflow, toy: ToyStack) -> None:
    """Nothing is exported, a note says so, and no folder is created."""
    ended = novaflow("env")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "novaflow: nova has no credentials yet; `novaflow up` creates them\n"
    assert not toy.root.exists()


def test_an_invalid_openrc_is_refused(novaflow: Novaflow, toy: ToyStack) -> None:
    """Standard output stays empty: a shell evaluates it."""
    write_openrc(toy, "export A='b\n")
    ended = novaflow("env")
    assert (ended.code, ended.out) == (2, "")
    assert "is not a file that novaflow wrote" in ended.err


def test_the_credentials_of_another_user_are_exported(novaflow: Novaflow, toy: ToyStack) -> None:
    """`--user` names the file; the administrator is the default."""
    write_openrc(toy, "export OS_USERNAME='admin'\n")
    (toy.paths.credentials / "demo-openrc").write_text("export OS_USERNAME='demo'\n")
    printed = [novaflow("env", *words).out.splitlines()[0] for words in ((), ("--user", "admin"), ("--user", "demo"))]
    assert printed == ["export OS_USERNAME=admin", "export OS_USERNAME=admin", "export OS_USERNAME=demo"]


@pytest.mark.parametrize("user", ["dmeo", "../demo", ""])
def test_an_unknown_user_is_refused(novaflow: Novaflow, toy: ToyStack, user: str) -> None:
    """The message names the file that does not exist, and standard output stays empty."""
    write_openrc(toy, "export OS_USERNAME='admin'\n")
    ended = novaflow("env", "--user", user)
    assert (ended.code, ended.out) == (2, "")
    path = f"{toy.paths.credentials}/{user}-openrc"
    assert ended.err == f"novaflow: there are no credentials of user {user!r}: {path} does not exist\n"
