"""A source tree fetched from real repositories, put in its place, and never lost."""

# ruff: noqa: S603, TID251 - the programs tests start are their own

import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.http.client import HttpClient
from novaflow.adapters.process.context import NodeContext, StackResources
from novaflow.adapters.process.process_ownership import ProcessOwner, find_processes
from novaflow.adapters.storage.secrets import Secrets
from novaflow.errors import MachineError, UsageError
from novaflow.model.paths import Paths
from tests.support.settings import make_settings
from workflows.platform.python_env import read_pins
from workflows.services.nova.conflicts import find_conflicts
from workflows.services.nova.source import fetch

pytestmark = pytest.mark.slow

PINS = "nova==34.0.0 \\\n    --hash=sha256:aa\noslo.db==18.1.0 \\\n    --hash=sha256:bb\n"
IDENTITY = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


class Shelf:
    """A stack's folder that source trees are fetched into, and a repository they come from."""

    def __init__(self, folder: Path) -> None:
        self.paths = Paths(folder / "nova")
        self.tree = self.paths.source
        self.origin = folder / "origin"
        self._client = HttpClient()
        for name in (self.paths.run, self.paths.log):
            name.mkdir(parents=True)
        # The stack's own Python, which is first in its programs' PATH, and not what Debian's programs are made for.
        call("/usr/bin/python3", "-m", "venv", "--without-pip", self.paths.venv)
        write_nova(self.origin, "one")
        call("git", "init", "-q", "-b", "main", self.origin)
        commit(self.origin, "one")

    async def fetch(self, source: str | Path, *, force: bool = False) -> str:
        """Fetch the tree, as `branch` does."""
        arguments = {"source": str(source), "force": "1" if force else ""}
        data = self.paths.data
        settings = make_settings(instances_path=data / "instances", lock_path=self.paths.run / "lock")
        secrets = Secrets(self.paths.credentials / "secrets.json")
        machine = StackResources(settings, self.paths, (), secrets, self._client, lambda *_: None, self._drain, arguments=arguments)
        said = await fetch.body(NodeContext(machine, "source.fetch"))
        assert isinstance(said, str)
        return said

    async def close(self) -> None:
        """Let go of what was opened."""
        await self._client.aclose()
        assert find_processes(ProcessOwner(self.paths)) == ()

    def is_clean(self) -> bool:
        """Return whether nothing stands half there."""
        return [*self.paths.root.glob("source.*")] == []

    async def _drain(self, _: float) -> bool:
        return True


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    """Return a stack's folder without a tree."""
    shelf = Shelf(tmp_path)
    yield shelf
    assert shelf.is_clean()
    await shelf.close()


def write_nova(folder: Path, version: str, requirements: str = "oslo.db>=10\n") -> None:
    """Write what makes a folder a source tree of Nova's."""
    (folder / "nova").mkdir(parents=True, exist_ok=True)
    for name, text in {"nova/version.py": f"VERSION = '{version}'\n", "setup.cfg": "", "requirements.txt": requirements}.items():
        (folder / name).write_text(text)


def commit(folder: Path, message: str) -> None:
    """Commit everything in the folder."""
    call("git", "-C", folder, "add", "--all")
    call("git", "-C", folder, "commit", "-q", "-m", message)


def call(*words: str | Path, env: Mapping[str, str] = IDENTITY) -> None:
    """Run a program that has to succeed."""
    subprocess.run(words, check=True, capture_output=True, env={**os.environ, **env}, timeout=30)


async def test_a_git_address_is_cloned_shallow(shelf: Shelf) -> None:
    """The tree holds the newest commit and not the past; folders of nova.sh's are there."""
    write_nova(shelf.origin, "two")
    commit(shelf.origin, "two")
    assert await shelf.fetch(f"file://{shelf.origin}") == f"{shelf.tree} is file://{shelf.origin}"
    assert "two" in (shelf.tree / "nova/version.py").read_text()
    assert (shelf.tree / ".git/shallow").exists()
    assert (shelf.paths.root / "instances").resolve() == shelf.paths.data / "instances"
    assert (shelf.paths.root / "networks").is_dir()


@pytest.mark.parametrize("ref", ["old", "v1"])
async def test_a_branch_or_a_tag_is_named_after_the_address(shelf: Shelf, ref: str) -> None:
    """Either is found."""
    call("git", "-C", shelf.origin, "branch", "old")
    call("git", "-C", shelf.origin, "tag", "v1")
    write_nova(shelf.origin, "two")
    commit(shelf.origin, "two")
    await shelf.fetch(f"file://{shelf.origin}#{ref}")
    assert "one" in (shelf.tree / "nova/version.py").read_text()


async def test_a_branch_that_is_not_there_is_refused(shelf: Shelf) -> None:
    """By its name; nothing stays."""
    with pytest.raises(UsageError, match="there is no branch and no tag 'nwe' in file://"):
        await shelf.fetch(f"file://{shelf.origin}#nwe")
    assert not shelf.tree.exists()


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/nova", "ssh://127.0.0.1:1/nova", "file:///no/such/place"])
async def test_what_is_out_of_reach_is_the_machines_fault(shelf: Shelf, address: str) -> None:
    """With the program's own words, and what to do."""
    with pytest.raises(MachineError, match=rf"^{address} cannot be fetched; look at the address and at the network"):
        await shelf.fetch(address)
    assert not shelf.tree.exists()


async def test_an_interrupted_fetch_leaves_nothing(shelf: Shelf) -> None:
    """The tree that was there is as it was; what was under way is gone, its programs too."""
    await shelf.fetch(f"file://{shelf.origin}")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(shelf.fetch, f"http://127.0.0.1:{silent.getsockname()[1]}/nova", force=True))
            await anyio.wait_readable(silent)
            assert not shelf.is_clean()
            tasks.cancel_scope.cancel()
    assert shelf.is_clean()
    assert "one" in (shelf.tree / "nova/version.py").read_text()


async def test_a_checkout_is_used_where_it_is(shelf: Shelf) -> None:
    """With what its owner changed; it is let go of, never removed."""
    (shelf.origin / "nova/version.py").write_text("changed")
    await shelf.fetch(shelf.origin)
    assert shelf.tree.resolve() == shelf.origin
    await shelf.fetch(f"file://{shelf.origin}", force=True)
    assert not shelf.tree.is_symlink()
    assert (shelf.origin / "nova/version.py").read_text() == "changed"


async def test_a_tree_is_replaced_only_if_that_is_wanted(shelf: Shelf) -> None:
    """It may be what somebody works in."""
    address = f"file://{shelf.origin}"
    await shelf.fetch(address)
    with pytest.raises(UsageError, match=r"source is there already; --force replaces it$"):
        await shelf.fetch(address)
    write_nova(shelf.origin, "two")
    commit(shelf.origin, "two")
    await shelf.fetch(address, force=True)
    assert "two" in (shelf.tree / "nova/version.py").read_text()


async def test_what_is_nowhere_else_is_never_replaced(shelf: Shelf) -> None:
    """Changes, new files, commits that were not pushed, also on other branches, and stashes are named."""
    address = f"file://{shelf.origin}"
    await shelf.fetch(address)
    git = ("git", "-C", shelf.tree)
    call(*git, "checkout", "-q", "-b", "idea")
    (shelf.tree / "nova/idea.py").write_text("")
    commit(shelf.tree, "an idea")
    call(*git, "checkout", "-q", "main")
    (shelf.tree / "nova/version.py").write_text("for later")
    call(*git, "stash")
    (shelf.tree / "nova/version.py").write_text("changed")
    (shelf.tree / "notes").write_text("")
    with pytest.raises(UsageError) as refused:
        await shelf.fetch(address, force=True)
    first, *listed = str(refused.value).splitlines()
    assert first == f"{shelf.tree} holds what is nowhere else; push it, or move the tree away:"
    assert [line.partition(":")[0] for line in listed] == ["changed", "changed", "not pushed", "stashed"]
    assert "an idea" in listed[2]
    assert (shelf.tree / "nova/version.py").read_text() == "changed"


async def test_a_folder_nobody_keeps_versions_of_is_never_replaced(shelf: Shelf) -> None:
    """Nobody can tell what was changed in it."""
    write_nova(shelf.tree, "mine")
    with pytest.raises(UsageError, match="it is under no version control"):
        await shelf.fetch(f"file://{shelf.origin}", force=True)


async def test_a_tree_that_is_not_nova_is_refused(shelf: Shelf) -> None:
    """With what it lacks; what was there stays."""
    (shelf.origin / "nova/version.py").unlink()
    commit(shelf.origin, "gone")
    with pytest.raises(UsageError, match=r"is no source tree of Nova's: it has no nova/version\.py$"):
        await shelf.fetch(f"file://{shelf.origin}")
    assert not shelf.tree.exists()


async def test_a_tree_that_does_not_fit_the_releases_is_refused(shelf: Shelf) -> None:
    """With every requirement that cannot be met; the one before stays in its place."""
    await shelf.fetch(f"file://{shelf.origin}")
    write_nova(shelf.origin, "two", "oslo.db>=999.0\nno-such-thing\n")
    commit(shelf.origin, "two")
    with pytest.raises(UsageError, match=r"(?s)does not fit the releases.*oslo\.db>=999\.0 is wanted.*\nno-such-thing is wanted, and not"):
        await shelf.fetch(f"file://{shelf.origin}", force=True)
    assert "one" in (shelf.tree / "nova/version.py").read_text()


async def test_what_a_killed_fetch_left_is_no_obstacle(shelf: Shelf) -> None:
    """It is removed with the next one."""
    write_nova(shelf.paths.root / "source.new", "half")
    await shelf.fetch(f"file://{shelf.origin}")
    assert "one" in (shelf.tree / "nova/version.py").read_text()


async def test_a_tree_that_a_killed_fetch_had_moved_away_is_back(shelf: Shelf) -> None:
    """Killed between its two renames, nothing is where the tree was; what is nowhere else is still not replaced."""
    write_nova(shelf.paths.root / "source.old", "mine")
    with pytest.raises(UsageError, match="it is under no version control"):
        await shelf.fetch(f"file://{shelf.origin}", force=True)
    assert "mine" in (shelf.tree / "nova/version.py").read_text()


async def test_a_bazaar_branch_is_fetched_and_never_lost(shelf: Shelf, tmp_path: Path) -> None:
    """As nova.sh did it: what was changed, or committed here alone, is named."""
    if not shutil.which("brz"):
        assert os.environ.get("CI") != "true", "nova.sh test installs brz"
        pytest.skip("Debian's brz is not installed")
    origin = tmp_path / "bazaar"
    write_nova(origin, "one")
    call("brz", "init", origin)
    call("brz", "add", origin)
    call("brz", "commit", "-m", "one", origin, env={"BRZ_EMAIL": "a <a@b>"})
    await shelf.fetch(f"file://{origin}")
    assert "one" in (shelf.tree / "nova/version.py").read_text()
    await shelf.fetch(f"file://{origin}", force=True)
    (shelf.tree / "nova/version.py").write_text("changed")
    with pytest.raises(UsageError, match=r"changed: M +nova/version\.py"):
        await shelf.fetch(f"file://{origin}", force=True)
    call("brz", "commit", "-m", "mine", shelf.tree, env={"BRZ_EMAIL": "a <a@b>"})
    with pytest.raises(UsageError, match="not pushed: "):
        await shelf.fetch(f"file://{origin}", force=True)


async def test_a_bazaar_server_out_of_reach_says_so(shelf: Shelf) -> None:
    """With the words of what tried."""
    if not shutil.which("brz"):
        assert os.environ.get("CI") != "true", "nova.sh test installs brz"
        pytest.skip("Debian's brz is not installed")
    with pytest.raises(MachineError, match=r"^bzr://127\.0\.0\.1:1/nova cannot be fetched"):
        await shelf.fetch("bzr://127.0.0.1:1/nova")


@pytest.mark.parametrize(
    ("requirements", "conflicts"),
    [
        ("", ()),
        ("# a comment\noslo.db>=10 # why\nOslo_DB!=17.0.0\n", ()),
        ("oslo.db>=19.0.0\n", ("oslo.db>=19.0.0 is wanted, and 18.1.0 is what there is",)),
        ("pywin32;sys_platform=='win32'\n", ()),
        ("elixir>=1\n", ("elixir>=1 is wanted, and not among the releases",)),
    ],
)
def test_requirements_are_held_against_the_pins(requirements: str, conflicts: tuple[str, ...]) -> None:
    """Names in any spelling; markers decide who is asked."""
    assert find_conflicts(requirements, read_pins(PINS)) == conflicts


def test_a_requirement_nobody_can_read_is_one() -> None:
    """It is named, with what is wrong."""
    (conflict,) = find_conflicts("oslo.db >>> 3\n", {})
    assert conflict.startswith("oslo.db >>> 3: ")
