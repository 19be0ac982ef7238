"""Fetching and replacing source trees, from real repositories."""

# ruff: noqa: S603, TID251 - the programs tests start are their own

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.process import ProcessOwner, find_processes
from novaflow.errors import MachineError, UsageError
from novaflow.model.paths import Paths
from tests.support.contexts import open_context
from tests.support.settings import make_settings
from workflows.platform.python_env import read_pins
from workflows.services.nova.local_changes import BRZ
from workflows.services.nova.requirement_conflicts import find_conflicts
from workflows.services.nova.source import fetch

pytestmark = pytest.mark.slow

PINS = "nova==34.0.0 \\\n    --hash=sha256:aa\noslo.db==18.1.0 \\\n    --hash=sha256:bb\n"
IDENTITY = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


class Developer:
    """A stack's folder, and a repository from which source trees are fetched into it."""

    def __init__(self, folder: Path) -> None:
        self.paths = Paths(folder / "nova")
        self.tree = self.paths.source
        self.origin = folder / "origin"
        for path in (self.paths.run, self.paths.log):
            path.mkdir(parents=True)
        # The stack's Python is the first in the PATH of programs; Debian's programs need Debian's.
        call("/usr/bin/python3", "-m", "venv", "--without-pip", self.paths.venv)
        write_nova(self.origin, "one")
        call("git", "init", "-q", "-b", "main", self.origin)
        commit(self.origin, "one")

    async def fetch(self, source: str | Path, *, force: bool = False) -> str:
        """Fetch the tree, as `branch` does."""
        arguments = {"source": str(source), "force": "1" if force else ""}
        settings = make_settings(instances_path=self.paths.data / "instances", lock_path=self.paths.run / "lock")
        async with open_context(self.paths.root, settings=settings, arguments=arguments, node="source.fetch") as ctx:
            answer = await fetch.body(ctx)
        assert isinstance(answer, str)
        return answer

    def has_temporary_trees(self) -> bool:
        """Return whether a temporary folder of a fetch exists."""
        return [*self.paths.root.glob("source.*")] != []


@pytest.fixture
def developer(tmp_path: Path) -> Iterator[Developer]:
    """Return a stack's folder without a tree; no temporary tree and no process may be left."""
    developer = Developer(tmp_path)
    yield developer
    assert not developer.has_temporary_trees()
    assert find_processes(ProcessOwner(developer.paths)) == ()


def write_nova(folder: Path, version: str, requirements: str = "oslo.db>=10\n") -> None:
    """Write the files that mark a source tree of nova."""
    (folder / "nova").mkdir(parents=True, exist_ok=True)
    for name, text in {"nova/version.py": f"VERSION = '{version}'\n", "setup.cfg": "", "requirements.txt": requirements}.items():
        (folder / name).write_text(text)


def commit(folder: Path, message: str) -> None:
    """Commit everything in the folder."""
    call("git", "-C", folder, "add", "--all")
    call("git", "-C", folder, "commit", "-q", "-m", message)


def call(*command: str | Path, env: Mapping[str, str] = IDENTITY) -> None:
    """Run a program; it must succeed."""
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **env}, timeout=30)


async def test_a_git_repository_is_cloned_shallow(developer: Developer) -> None:
    """The tree contains the newest commit and no history; the links of nova.sh exist."""
    write_nova(developer.origin, "two")
    commit(developer.origin, "two")
    assert await developer.fetch(f"file://{developer.origin}") == f"{developer.tree} is file://{developer.origin}"
    assert "two" in (developer.tree / "nova/version.py").read_text()
    assert (developer.tree / ".git/shallow").exists()
    assert (developer.paths.root / "instances").resolve() == developer.paths.data / "instances"
    assert (developer.paths.root / "networks").is_dir()


@pytest.mark.parametrize("ref", ["old", "v1"])
async def test_a_branch_or_a_tag_is_fetched(developer: Developer, ref: str) -> None:
    """The name follows the address after a hash sign."""
    call("git", "-C", developer.origin, "branch", "old")
    call("git", "-C", developer.origin, "tag", "v1")
    write_nova(developer.origin, "two")
    commit(developer.origin, "two")
    await developer.fetch(f"file://{developer.origin}#{ref}")
    assert "one" in (developer.tree / "nova/version.py").read_text()


async def test_an_unknown_branch_is_an_error(developer: Developer) -> None:
    """The error names the branch; no tree is left."""
    with pytest.raises(UsageError, match=r"^file://\S+ has no branch or tag 'nwe'$"):
        await developer.fetch(f"file://{developer.origin}#nwe")
    assert not developer.tree.exists()


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/nova", "ssh://127.0.0.1:1/nova", "file:///no/such/place"])
async def test_an_unreachable_repository_is_an_error(developer: Developer, address: str) -> None:
    """The error contains the output of the program and advice."""
    with pytest.raises(MachineError, match=rf"^cannot fetch {address}; check the address and the network"):
        await developer.fetch(address)
    assert not developer.tree.exists()


async def test_a_cancelled_fetch_leaves_nothing(developer: Developer) -> None:
    """The old tree is unchanged; temporary files and programs are removed."""
    await developer.fetch(f"file://{developer.origin}")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(developer.fetch, f"http://127.0.0.1:{silent.getsockname()[1]}/nova", force=True))
            await anyio.wait_readable(silent)
            assert developer.has_temporary_trees()
            tasks.cancel_scope.cancel()
    assert not developer.has_temporary_trees()
    assert "one" in (developer.tree / "nova/version.py").read_text()


async def test_a_checkout_is_linked(developer: Developer) -> None:
    """Its local changes take effect; the link is replaced later, the checkout is never deleted."""
    (developer.origin / "nova/version.py").write_text("changed")
    await developer.fetch(developer.origin)
    assert developer.tree.resolve() == developer.origin
    await developer.fetch(f"file://{developer.origin}", force=True)
    assert not developer.tree.is_symlink()
    assert (developer.origin / "nova/version.py").read_text() == "changed"


async def test_a_tree_is_replaced_only_with_force(developer: Developer) -> None:
    """Without `--force` an existing tree is an error."""
    address = f"file://{developer.origin}"
    await developer.fetch(address)
    with pytest.raises(UsageError, match=r"source already exists; --force replaces it$"):
        await developer.fetch(address)
    write_nova(developer.origin, "two")
    commit(developer.origin, "two")
    await developer.fetch(address, force=True)
    assert "two" in (developer.tree / "nova/version.py").read_text()


async def test_local_changes_are_never_replaced(developer: Developer) -> None:
    """The error lists changed and new files, unpushed commits of all branches, and stashes."""
    address = f"file://{developer.origin}"
    await developer.fetch(address)
    git = ("git", "-C", developer.tree)
    call(*git, "checkout", "-q", "-b", "idea")
    (developer.tree / "nova/idea.py").write_text("")
    commit(developer.tree, "an idea")
    call(*git, "checkout", "-q", "main")
    (developer.tree / "nova/version.py").write_text("for later")
    call(*git, "stash")
    (developer.tree / "nova/version.py").write_text("changed")
    (developer.tree / "notes").write_text("")
    with pytest.raises(UsageError) as raised:
        await developer.fetch(address, force=True)
    first, *listed = str(raised.value).splitlines()
    assert first == f"{developer.tree} has local changes; push them or move the tree away:"
    assert [line.partition(":")[0] for line in listed] == ["changed", "changed", "not pushed", "stashed"]
    assert "an idea" in listed[2]
    assert (developer.tree / "nova/version.py").read_text() == "changed"


async def test_a_folder_without_version_control_is_never_replaced(developer: Developer) -> None:
    """Its changes cannot be determined."""
    write_nova(developer.tree, "mine")
    with pytest.raises(UsageError, match="is under no version control"):
        await developer.fetch(f"file://{developer.origin}", force=True)


async def test_a_tree_of_another_project_is_rejected(developer: Developer) -> None:
    """The error names the files that are missing."""
    (developer.origin / "nova/version.py").unlink()
    commit(developer.origin, "delete a file")
    with pytest.raises(UsageError, match=r"is not a source tree of nova: nova/version\.py not found$"):
        await developer.fetch(f"file://{developer.origin}")
    assert not developer.tree.exists()


async def test_conflicting_requirements_are_rejected(developer: Developer) -> None:
    """The error lists every conflict; the old tree is unchanged."""
    await developer.fetch(f"file://{developer.origin}")
    write_nova(developer.origin, "two", "oslo.db>=999.0\nno-such-thing\n")
    commit(developer.origin, "two")
    conflicts = r"oslo\.db>=999\.0 is required, \S+ is pinned\nno-such-thing is required and not among the pinned releases$"
    with pytest.raises(UsageError, match=rf"(?s)conflict with the stack's pinned releases.*:\n{conflicts}"):
        await developer.fetch(f"file://{developer.origin}", force=True)
    assert "one" in (developer.tree / "nova/version.py").read_text()


async def test_the_next_fetch_removes_the_remains_of_a_killed_one(developer: Developer) -> None:
    """A temporary tree does not prevent it."""
    write_nova(developer.paths.root / "source.new", "half")
    await developer.fetch(f"file://{developer.origin}")
    assert "one" in (developer.tree / "nova/version.py").read_text()


async def test_a_killed_fetch_is_rolled_back(developer: Developer) -> None:
    """If it was killed between its two renames, the old tree is moved back; its local changes are still not replaced."""
    write_nova(developer.paths.root / "source.old", "mine")
    with pytest.raises(UsageError, match="is under no version control"):
        await developer.fetch(f"file://{developer.origin}", force=True)
    assert "mine" in (developer.tree / "nova/version.py").read_text()


async def test_a_bazaar_branch_is_fetched(developer: Developer, tmp_path: Path) -> None:
    """Its changed files and local commits are never replaced."""
    if not shutil.which("brz"):
        assert os.environ.get("CI") != "true", "nova.sh test installs brz"
        pytest.skip("Debian's brz is not installed")
    origin = tmp_path / "bazaar"
    write_nova(origin, "one")
    call(*BRZ, "init", origin)
    call(*BRZ, "add", origin)
    call(*BRZ, "commit", "-m", "one", origin, env={"BRZ_EMAIL": "a <a@b>"})
    await developer.fetch(f"file://{origin}")
    assert "one" in (developer.tree / "nova/version.py").read_text()
    await developer.fetch(f"file://{origin}", force=True)
    (developer.tree / "nova/version.py").write_text("changed")
    with pytest.raises(UsageError, match=r"changed: M +nova/version\.py"):
        await developer.fetch(f"file://{origin}", force=True)
    call(*BRZ, "commit", "-m", "mine", developer.tree, env={"BRZ_EMAIL": "a <a@b>"})
    with pytest.raises(UsageError, match="not pushed: "):
        await developer.fetch(f"file://{origin}", force=True)


async def test_an_unreachable_bazaar_server_is_an_error(developer: Developer) -> None:
    """The error names the address."""
    if not shutil.which("brz"):
        assert os.environ.get("CI") != "true", "nova.sh test installs brz"
        pytest.skip("Debian's brz is not installed")
    with pytest.raises(MachineError, match=r"^cannot fetch bzr://127\.0\.0\.1:1/nova; "):
        await developer.fetch("bzr://127.0.0.1:1/nova")


@pytest.mark.parametrize(
    ("requirements", "conflicts"),
    [
        ("", ()),
        ("# a comment\noslo.db>=10 # why\nOslo_DB!=17.0.0\n", ()),
        ("oslo.db>=19.0.0\n", ("oslo.db>=19.0.0 is required, 18.1.0 is pinned",)),
        ("pywin32;sys_platform=='win32'\n", ()),
        ("elixir>=1\n", ("elixir>=1 is required and not among the pinned releases",)),
    ],
)
def test_requirements_are_compared_with_the_pins(requirements: str, conflicts: tuple[str, ...]) -> None:
    """Names are normalized, and requirements for other platforms are ignored."""
    assert find_conflicts(requirements, read_pins(PINS)) == conflicts


def test_an_invalid_requirement_is_a_conflict() -> None:
    """The line contains the parser's message."""
    (conflict,) = find_conflicts("oslo.db >>> 3\n", {})
    assert conflict.startswith("oslo.db >>> 3: ")
