"""Another user reads and replaces the files of a stack."""

import os

import psutil
import pytest

from tests.security.attacker import NAME, UID, attack, find_readable, give_away
from tests.system.toy import Toy

pytestmark = pytest.mark.slow


async def test_other_users_cannot_read_a_stack(toy: Toy) -> None:
    """Folders have the mode 0700 and files 0600: those of commands, of the supervisor and of services."""
    assert (await toy.call("up")).code == 0
    assert find_readable(toy.root) == set()
    listed = attack("ls", "-R", toy.root)
    assert (listed.returncode, listed.stdout) == (2, "")
    assert attack("cat", toy.root / "journal.jsonl", toy.root / "log/web.log").stdout == ""


async def test_services_inherit_the_umask(toy: Toy) -> None:
    """The files that a service creates are for its owner, whatever the umask of the command that started the stack."""
    toy.add("open('made', 'w').close(); import os; os.mkdir('folder'); import time; time.sleep(600)", answer="made")
    await toy.ready()
    made = [toy.root / "run/made", toy.root / "run/folder"]
    assert [path.stat().st_mode & 0o777 for path in made] == [0o600, 0o700]


async def test_a_stack_of_an_earlier_release_becomes_private(toy: Toy) -> None:
    """The next command that writes into it changes the mode of its folders."""
    toy.installed()
    for folder in (toy.root, toy.root / "data"):
        folder.chmod(0o755)
    await toy.ready()
    assert {path.stat().st_mode & 0o777 for path in (toy.root, toy.root / "data", toy.root / "log")} == {0o700}


@pytest.mark.parametrize("command", ["up", "status", "clean", "config"])
async def test_a_folder_of_another_user_is_refused(toy: Toy, command: str) -> None:
    """The error names owner and mode, and nothing is written."""
    toy.root.mkdir(mode=0o755)
    give_away(toy.root)
    result = await toy.call(command)
    assert result.code == 2
    assert f"{toy.root} belongs to {NAME} and has the mode 0755; its owner must be root (uid 0)" in result.err
    assert [*toy.root.iterdir()] == []


@pytest.mark.parametrize("place", ["nova", "nova/credentials", "."])
async def test_a_folder_that_others_may_write_is_refused(toy: Toy, place: str) -> None:
    """The folder of the stack, its credentials and the folders above it; the error says how to correct it."""
    (toy.root / "credentials").mkdir(parents=True)
    folder = (toy.folder / place).resolve()
    folder.chmod(0o777)
    result = await toy.call("up")
    assert result.code == 2
    assert f"{folder} belongs to root (uid 0) and has the mode 0777" in result.err
    assert f"chmod go-w {folder}" in result.err
    assert not (toy.root / "log").exists()


async def test_a_sticky_folder_above_is_allowed(toy: Toy) -> None:
    """As /tmp is: other users cannot replace what is not theirs."""
    folder = toy.folder / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    result = await toy.call("install", f"{folder}/nova")
    assert result.code == 0, result
    assert (folder / "nova").stat().st_mode & 0o777 == 0o700


async def test_a_folder_for_the_group_of_another_user_is_refused(toy: Toy) -> None:
    """A group whose only member is trusted is allowed: many distributions create such a group for each user."""
    toy.root.mkdir()
    toy.root.chmod(0o770)
    assert (await toy.call("config")).code == 0
    os.chown(toy.root, 0, UID)
    result = await toy.call("config")
    assert result.code == 2
    assert "other users must not be able to write there" in result.err


async def test_a_link_of_another_user_is_not_followed(toy: Toy) -> None:
    """A link in a folder like /tmp would make `clean` work on another stack."""
    (toy.folder / "other").mkdir()
    toy.folder.chmod(0o1777)
    assert attack("ln", "-s", toy.folder / "other", toy.folder / "link").returncode == 0
    result = await toy.call("clean", "link")
    assert result.code == 2
    assert f"{toy.folder}/link belongs to {NAME}" in result.err


@pytest.mark.parametrize("name", ["log/web.log", "log/supervisor.log", "journal.jsonl", "run/stack.lock"])
async def test_a_link_in_place_of_a_file_is_not_followed(toy: Toy, name: str) -> None:
    """Logs and state are not written to a file elsewhere."""
    target = toy.folder / "target"
    target.write_text("untouched")
    link = toy.root / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
    result = await toy.installed().call("run", "--wait-ready")
    assert result.code != 0
    assert target.read_text() == "untouched"
    assert str(link) in result.out + result.err


async def test_memory_is_in_no_core_dump(toy: Toy) -> None:
    """The limit is 0 for the supervisor and for services, which hold passwords."""
    await toy.ready()
    supervisor = await toy.supervisor()
    limits = {process.rlimit(psutil.RLIMIT_CORE) for process in (supervisor, *supervisor.children())}
    assert limits == {(0, 0)}
