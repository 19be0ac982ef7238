"""A stack that belongs to another user."""

import os
import sys
from pathlib import Path

import anyio
import pytest

from tests.system.toy import WITHIN_S, Result, Toy

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="only root can create the files of another user")]

OTHER = 65534
# Root's files stay readable, so that the interpreter runs; those of other users need their permission.
ORDINARY = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search")
DENIED = "permission denied; the stack belongs to the user who created it: use sudo\n"


async def call_without_privileges(toy: Toy, *words: str) -> Result:
    """Run a command that may not read the private files of other users."""
    with anyio.fail_after(WITHIN_S):
        argv = [*ORDINARY, sys.executable, "-m", "novaflow.cli.main", *words]
        ended = await anyio.run_process(argv, check=False, cwd=toy.folder, env=toy.env)
    return Result(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def give_away(path: Path, mode: int) -> None:
    """Make a file or folder another user's."""
    path.chmod(mode)
    os.chown(path, OTHER, OTHER)


async def test_an_absent_a_new_and_a_private_stack_differ(toy: Toy) -> None:
    """`status` says that there is no such folder, that the stack was never run, or that the user may not see it."""
    absent = await call_without_privileges(toy, "status", "absent")
    assert (absent.code, absent.out.splitlines()[0]) == (
        6,
        f"absent is stopped: there is no stack in {toy.folder}/absent: the folder does not exist",
    )
    (toy.folder / "new").mkdir()
    new = await call_without_privileges(toy, "status", "new")
    assert (new.code, new.out.splitlines()[0]) == (6, "new is stopped: never run")
    (toy.folder / "private/nova").mkdir(parents=True)
    # Not given away: a folder of a user who is neither root nor the caller is refused before it is read.
    (toy.folder / "private").chmod(0)
    for folder, first in (("private", "private/credentials"), ("private/nova", "private/nova")):
        private = await call_without_privileges(toy, "status", folder)
        assert (private.code, private.out, private.err) == (5, "", f"novaflow: {toy.folder}/{first}: {DENIED}")


async def test_the_journal_of_another_user_is_not_a_stopped_stack(toy: Toy) -> None:
    """The exit code says that this user cannot see it."""
    await toy.installed().call("install")
    give_away(toy.paths.journal, 0o600)
    result = await call_without_privileges(toy, "status", "--json")
    assert (result.code, result.out, result.err) == (5, "", f"novaflow: {toy.paths.journal}: {DENIED}")


async def test_the_supervisor_of_another_user_has_not_crashed(toy: Toy) -> None:
    """`status` reports that the user may not connect, although the journal can be read."""
    await toy.ready()
    give_away(toy.paths.control, 0o600)
    result = await call_without_privileges(toy, "status")
    assert (result.code, result.out, result.err) == (5, "", f"novaflow: {toy.paths.control}: {DENIED}")
    give_away(toy.paths.run, 0o700)
    result = await call_without_privileges(toy, "status")
    assert (result.code, result.out, result.err) == (5, "", f"novaflow: {toy.paths.lock}: {DENIED}")
