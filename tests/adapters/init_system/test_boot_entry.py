"""What all init systems have in common, with one that keeps its entries in a folder."""

from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaflow.adapters.init_system import BootEntry, BootState
from novaflow.adapters.init_system.boot_entry import novaflow_command, run_program
from novaflow.errors import MachineError, RunError, UsageError
from tests.support.properties import EXAMPLES


@dataclass(frozen=True, slots=True)
class FolderEntry(BootEntry):
    """An entry of an init system that starts each file of a folder that has a mark beside it."""

    folder: Path
    kind = "file"

    @property
    def path(self) -> Path:
        """Return the file."""
        return self.folder / self.name

    @property
    def text(self) -> str:
        """Return the folder of the stack."""
        return f"start {self.root}\n"

    @property
    def is_enabled(self) -> bool:
        """Return whether the mark exists."""
        return self.mark.exists()

    @property
    def start_command(self) -> str:
        """Return the command of an operator."""
        return f"start {self.name}"

    @property
    def mark(self) -> Path:
        """Return the mark that enables the file."""
        return self.path.with_name(f"{self.name}.on")

    async def _install(self) -> None:
        self.path.write_text(self.text)
        self.mark.touch()

    async def _remove(self) -> None:
        self.path.unlink()
        self.mark.unlink()


@pytest.fixture
def entry(tmp_path: Path) -> FolderEntry:
    """Return the entry of a stack."""
    return FolderEntry(tmp_path / "nova", tmp_path)


async def test_the_state_follows_the_files(entry: FolderEntry) -> None:
    """Off, on, disabled by an administrator, out of date, and off again; a disabled entry is not called out of date."""
    states = [entry.state]
    await entry.install()
    states.append(entry.state)
    entry.mark.unlink()
    states.append(entry.state)
    entry.path.write_text("of an earlier version\n")
    states.append(entry.state)
    entry.mark.touch()
    states.append(entry.state)
    await entry.install()
    states.append(entry.state)
    await entry.remove()
    states.append(entry.state)
    assert states == ["off", "on", "disabled", "disabled", "outdated", "on", "off"]


async def test_an_init_system_that_watches_nothing_runs_nothing(entry: FolderEntry) -> None:
    """There is no restart to cancel."""
    await entry.install()
    assert await entry.find_running() is None
    await entry.cancel_restart()
    assert entry.state is BootState.ON


@pytest.mark.parametrize("name", ["two\nlines", "escape\x1b", "not UTF-8 \udcff", "tab\t"])
async def test_a_path_that_no_file_can_contain_is_refused(tmp_path: Path, name: str) -> None:
    """The message quotes the path, and nothing is written."""
    entry = FolderEntry(tmp_path / name, tmp_path)
    with pytest.raises(UsageError) as refused:
        await entry.install()
    assert str(refused.value) == f"{f'{tmp_path}/{name}'!r} cannot start at boot: its path has characters that are not printable"
    assert [*tmp_path.iterdir()] == []


async def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """Here it does not exist; the same for removing."""
    entry = FolderEntry(tmp_path / "nova", tmp_path / "missing")
    for act in (entry.install, entry.remove):
        with pytest.raises(MachineError) as refused:
            await act()
        assert str(refused.value) == f"{tmp_path}/missing is not writable for this user; use sudo"


@pytest.mark.parametrize(
    ("folder", "middle"),
    [
        ("/srv/nova", "nova"),
        ("/srv/my stack", "my-stack"),
        ("/srv/a.b@c%d", "a-b-c-d"),
        ("/srv/größe", "gr-e"),
        ("/srv/a_b", "a_b"),
        ("/srv/日本", "-"),
        ("/", ""),
    ],
)
def test_the_name_contains_that_of_the_folder(folder: str, middle: str) -> None:
    """Characters that a unit or a script must not have are replaced by a dash."""
    name = FolderEntry(Path(folder), Path("/x")).name
    assert name.startswith(f"novaflow-{middle}-")
    assert len(name) == len(f"novaflow-{middle}-") + 8


def test_the_name_stays_the_same() -> None:
    """It is computed from the path alone: a new version finds the entries of an old one."""
    assert FolderEntry(Path("/srv/nova"), Path("/x")).name == "novaflow-nova-3ed1b417"


@EXAMPLES
@given(
    names=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20), min_size=2, max_size=2, unique=True
    )
)
def test_two_folders_have_two_names(names: list[str]) -> None:
    """Each of them is a valid name of a unit."""
    first, second = (FolderEntry(Path("/srv", name), Path("/x")).name for name in names)
    assert first != second
    assert all(character.isalnum() or character in "-_" for character in first + second)
    assert (first + second).isascii()


async def test_the_output_of_a_program_is_returned() -> None:
    """Without the space around it."""
    assert await run_program("printf", r"\n  two\nlines \n") == "two\nlines"
    assert await run_program("printf", r"\377") == "\ufffd"


async def test_a_program_that_fails_is_an_error() -> None:
    """The message has the command, its exit code and its last message."""
    with pytest.raises(RunError) as failed:
        await run_program("sh", "-c", "echo first >&2; echo 'last one' >&2; echo; exit 7")
    assert str(failed.value) == "sh -c echo first >&2; echo 'last one' >&2; echo; exit 7 exited with 7: last one"
    with pytest.raises(RunError, match=r"^false exited with 1: $"):
        await run_program("false")


async def test_a_failure_may_be_an_answer() -> None:
    """Some programs answer with their exit code and their output."""
    assert await run_program("sh", "-c", "echo inactive; exit 3", check=False) == "inactive"


async def test_a_missing_program_is_an_error() -> None:
    """The search path of the user is not used: it may name programs of others, or lack those of the system."""
    with pytest.raises(MachineError) as refused:
        await run_program("novaflow-no-such-program", check=False)
    assert str(refused.value) == "novaflow-no-such-program is not installed"


async def test_the_search_path_of_the_user_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name in the user's path is not run."""
    (tmp_path / "mine").write_text("#!/bin/sh\necho ran\n")
    (tmp_path / "mine").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="mine is not installed"):
        await run_program("mine")
    assert await run_program("echo", "found") == "found"


@pytest.mark.slow
async def test_novaflow_is_called_as_it_is_installed(tmp_path: Path) -> None:
    """The command works in any folder; a package of the same name there is not used."""
    (tmp_path / "novaflow").mkdir()
    (tmp_path / "novaflow/__init__.py").write_text("raise SystemExit('another package')\n")
    ended = await anyio.run_process([*novaflow_command(), "--version"], cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.startswith(b"novaflow")
