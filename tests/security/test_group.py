"""A member of NOVAFLOW_GROUP looks at a stack, and tries to read and to do more."""

import grp
import json
import os
import sys

import pytest

from tests.security.attacker import UID, attack, find_readable
from tests.system.toy import Result, Toy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]  # each test starts a stack and a dozen commands

GROUP = "games"  # Debian creates it, and no other user of a machine is in it
OWN = {"journal.jsonl", "log", "credentials", "run", ""}
DENIED = "permission denied; the stack belongs to the user who created it: use sudo\n"
CONNECT = """
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
peer.sendall(sys.argv[2].encode() + b" HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
print(peer.makefile().readline().split()[1])
"""


@pytest.fixture
async def shared_toy(toy: Toy) -> Toy:
    """Return a stack that is up, whose settings name the group."""
    toy.root.mkdir()
    (toy.root / ".env").write_text(f"NOVAFLOW_GROUP={GROUP}\nSCREEN_NAME=secret\n")
    (toy.root / ".env").chmod(0o644)  # as an editor creates it
    toy.write("components/accounts.py", ACCOUNTS)
    assert (await toy.call("install")).code == 0
    return await toy.ready()


ACCOUNTS = '''
from novaflow.model.component import Component
from novaflow.model.step import step


@step(within_s=10)
async def write(ctx):
    """Write the credentials of two users."""
    await ctx.write(ctx.paths.credentials / "openrc", "export OS_PASSWORD=of-admin")
    await ctx.write(ctx.paths.credentials / "demo-openrc", "export OS_PASSWORD=of-demo", shared=True)


COMPONENT = Component("accounts", "Accounts.", {"run": (write,)})
'''


def call(toy: Toy, *words: str, group: str = GROUP) -> Result:
    """Run a command of novaflow as a member of the group."""
    done = attack(sys.executable, "-m", "novaflow.cli.main", *words, group=group, cwd=toy.folder, **toy.env)
    return Result(done.returncode, done.stdout, done.stderr)


def request(toy: Toy, line: str, group: str = GROUP) -> str:
    """Return the status with which the supervisor answers a request, or an empty text if the user cannot connect."""
    return attack("/usr/bin/python3", "-Ic", CONNECT, toy.paths.control, line, group=group).stdout.strip()


async def test_a_member_sees_the_stack(shared_toy: Toy) -> None:
    """`status`, `logs`, `events` and `env --user demo` have the output that root gets, and need no root."""
    for words in (("logs", "supervisor"), ("events", "--json"), ("env", "--user", "demo")):
        expected = await shared_toy.call(*words)
        assert expected.code == 0
        assert call(shared_toy, *words) == expected
    status = call(shared_toy, "status", "--json")
    assert (status.code, status.err, status.json["state"], status.json["services"][0]["state"]) == (0, "", "ready", "ready")
    assert "export OS_PASSWORD=of-demo" in call(shared_toy, "env", "--user", "demo").out
    assert request(shared_toy, "GET /status") == "200"


async def test_a_member_reads_nothing_else(shared_toy: Toy) -> None:
    """Settings, passwords, the administrator's credentials, configuration and data stay closed; the message names the way."""
    closed = (".env", "etc/web.conf", "credentials/secrets.json", "credentials/openrc", "run/stack.lock", "data/toy")
    for name in closed:
        assert (shared_toy.root / name).exists()
        assert attack("cat", shared_toy.root / name, group=GROUP).returncode == 1, name
    for name in ("", "etc", "data", "run", "credentials"):
        assert attack("ls", shared_toy.root / name, group=GROUP).returncode == 2, name
    refused = call(shared_toy, "env")
    openrc = shared_toy.paths.credentials / "openrc"
    assert (refused.code, refused.out) == (5, "")
    assert refused.err == f"novaflow: {openrc} is for the owner of the stack: use sudo, or `novaflow env --user demo`\n"


async def test_the_files_of_a_shared_stack(shared_toy: Toy) -> None:
    """This is the whole list of what the group has, and no other user has anything."""
    logs = {f"log/{path.name}" for path in shared_toy.paths.log.iterdir()}
    assert logs
    assert find_readable(shared_toy.root) == {*OWN, *logs, "run/control.sock", "credentials/demo-openrc"}
    for name in find_readable(shared_toy.root):
        found = (shared_toy.root / name).stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o007) == (0, grp.getgrnam(GROUP).gr_gid, 0), name
    assert shared_toy.root.stat().st_mode & 0o777 == 0o710


async def test_a_member_changes_nothing(shared_toy: Toy) -> None:
    """The exit code is 5 as for every command that needs root, and the stack is as before; without a `.env`, too."""
    before = shared_toy.paths.journal.read_bytes()
    for words in (("stop", "web"), ("clean",), ("config",)):
        result = call(shared_toy, *words)
        assert (result.code, result.out, result.err) == (5, "", f"novaflow: {shared_toy.root}/.env: {DENIED}"), words
    (shared_toy.root / ".env").unlink()
    for words, name in ((("restart", "web"), "control.sock"), (("verify",), "control.sock"), (("clean",), "stack.lock")):
        result = call(shared_toy, *words)
        assert (result.code, result.err) == (5, f"novaflow: {shared_toy.paths.run / name}: {DENIED}"), words
    assert shared_toy.paths.journal.read_bytes() == before
    assert (await shared_toy.status())["state"] == "ready"


async def test_the_socket_refuses_commands_of_a_member(shared_toy: Toy) -> None:
    """Without the command line, too: the supervisor asks the kernel who has connected."""
    for path in ("/stop", "/workflows/verify", "/services/web/stop", "/services/web/restart", "/nowhere"):
        assert request(shared_toy, f"POST {path}") == "403"
    for line in ("PUT /stop", "GET /stop", "DELETE /services/web/stop"):
        assert request(shared_toy, line) in {"403", "405"}
    assert (await shared_toy.status())["state"] == "ready"


async def test_other_users_get_nothing_of_a_shared_stack(shared_toy: Toy) -> None:
    """A user who is in no group, or in another one."""
    for group in ("", "nogroup"):
        for words in (("status",), ("logs", "web"), ("events",), ("env", "--user", "demo")):
            result = call(shared_toy, *words, group=group)
            assert (result.code, result.out) == (5, "")
            assert "permission denied" in result.err
        assert request(shared_toy, "GET /status", group=group) == ""
        assert attack("cat", shared_toy.paths.journal, shared_toy.paths.log / "web.log", group=group).stdout == ""


async def test_a_member_sees_a_stack_that_is_down(shared_toy: Toy) -> None:
    """The reason is that of the journal; after a crash of the supervisor, too, and files are not left open by it."""
    supervisor = await shared_toy.supervisor()
    supervisor.kill()
    await shared_toy.wait_released()
    crashed = call(shared_toy, "status", "--json")
    assert (crashed.code, crashed.err, crashed.json["state"]) == (3, "", "failed")
    assert crashed.json["reason"].startswith("the supervisor has crashed")
    assert (await shared_toy.call("clean")).code == 0
    stopped = call(shared_toy, "status", "--json")
    assert (stopped.code, stopped.err, stopped.json["state"]) == (6, "", "stopped")
    assert call(shared_toy, "events").out == (await shared_toy.call("events")).out


async def test_another_command_of_root_does_not_close_a_shared_stack(shared_toy: Toy) -> None:
    """A command that is refused because the stack is up changes no mode."""
    assert (await shared_toy.call("run", "--wait-ready")).code == 2
    assert (await shared_toy.call("branch", str(shared_toy.folder))).code != 0
    assert call(shared_toy, "status").code == 0


async def test_a_stack_without_the_group_is_closed_again(shared_toy: Toy) -> None:
    """The next start without the setting leaves nothing to anyone but the owner."""
    assert (await shared_toy.call("clean")).code == 0
    (shared_toy.root / ".env").write_text("")
    await shared_toy.ready()
    assert find_readable(shared_toy.root) == set()
    assert call(shared_toy, "status").code == 5


@pytest.mark.parametrize("command", [("up",), ("run", "--wait-ready"), ("install",), ("config",)])
async def test_an_unknown_group_is_refused(toy: Toy, command: tuple[str, ...]) -> None:
    """Nothing is created; `clean` and `status` work, because the group may have been removed since."""
    result = await toy.call(*command, "--set", "NOVAFLOW_GROUP=no-such-group")
    reason = "this machine has no such group; `getent group` lists them"
    assert (result.code, result.out) == (2, "")
    assert result.err == f"novaflow: NOVAFLOW_GROUP=no-such-group (command line): {reason}\n"
    assert not toy.root.exists()
    assert (await toy.call("clean", "--set", "NOVAFLOW_GROUP=no-such-group")).code == 0


async def test_a_member_is_no_owner_of_another_stack(shared_toy: Toy) -> None:
    """A member cannot give the group access to a stack of its own, of which root is no owner."""
    folder = shared_toy.folder / "theirs"
    folder.mkdir()
    os.chown(folder, UID, UID)
    result = call(shared_toy, "status", str(folder), group="")
    assert result.code == 6
    done = attack(sys.executable, "-m", "novaflow.cli.main", "config", str(folder), cwd=folder, **shared_toy.env, NOVAFLOW_GROUP=GROUP)
    assert done.returncode == 2
    assert "you are not in this group" in done.stderr
    assert json.loads(call(shared_toy, "status", "--json").out)["state"] == "ready"
