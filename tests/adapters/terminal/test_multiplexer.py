"""Sessions of tmux and GNU screen, with the real programs."""

import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.terminal import Multiplexer, find_multiplexer
from novaflow.errors import MachineError
from tests.support.programs import wait_for_text
from tests.support.terminals import require_program

SYSTEM_PATH = "/usr/bin:/bin"
QUIT = {"tmux": ("tmux", "kill-server"), "screen": ("screen", "-S", "nova", "-X", "quit")}
WAIT = ("sh", "-c", "sleep 600")


@dataclass(frozen=True, slots=True)
class Installed:
    """A multiplexer that is the only one installed, with sessions of its own."""

    program: str
    multiplexer: Multiplexer
    folder: Path

    async def open(self, windows: Mapping[str, Sequence[str]], session: str = "nova", *, has_status_line: bool = True) -> None:
        """Open a session."""
        await self.multiplexer.open(session, windows, has_status_line=has_status_line)

    async def windows(self) -> list[str]:
        """Return the names of the windows of the session ``nova``."""
        if self.program == "tmux":
            return (await _output("tmux", "list-windows", "-t", "=nova", "-F", "#{window_name}")).splitlines()
        listed = await _output("screen", "-S", "nova", "-Q", "windows")
        return [word for word in listed.split() if word.isalpha()]


@pytest.fixture(params=["tmux", "screen"])
async def installed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installed]:
    """Return each multiplexer in turn; its sessions end with the test, and the user's configuration is not read."""
    program = str(request.param)
    require_program(program)
    install(tmp_path, monkeypatch, program)
    for name in ("TMUX", "STY", "SYSSCREENRC"):
        monkeypatch.delenv(name, raising=False)
    sockets = tmp_path / "sockets"
    sockets.mkdir(mode=0o700)
    for name, value in {"TERM": "xterm", "HOME": str(tmp_path), "TMUX_TMPDIR": str(sockets), "SCREENDIR": str(sockets)}.items():
        monkeypatch.setenv(name, value)
    yield Installed(program, find_multiplexer(), tmp_path)
    await anyio.run_process(QUIT[program], check=False)


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
    """Let the search path contain these programs, a shell and `sleep` alone."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    for name in (*programs, "sh", "sleep", "cat"):
        if found := shutil.which(name, path=SYSTEM_PATH):
            (bin_folder / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(bin_folder))


async def _output(*words: str) -> str:
    return (await anyio.run_process(words)).stdout.decode()


async def test_a_session_has_a_window_for_each_command(installed: Installed) -> None:
    """The commands run, each with its own arguments, and the session is found by its whole name."""
    assert not await installed.multiplexer.has("nova")
    written = {name: installed.folder / name for name in ("web", "mail", "db")}
    await installed.open({name: ("sh", "-c", f"printf %s 'it is {name}' >'{file}'; sleep 600") for name, file in written.items()})
    for name, file in written.items():
        await wait_for_text(file, f"it is {name}")
    assert await installed.windows() == ["web", "mail", "db"]
    assert [await installed.multiplexer.has(name) for name in ("nova", "nov", "nova2", "ova", "")] == [True, False, False, False, False]


async def test_a_session_with_one_window_is_opened(installed: Installed) -> None:
    """A stack may have one service."""
    await installed.open({"web": WAIT}, has_status_line=False)
    assert await installed.multiplexer.has("nova")


@pytest.mark.parametrize(("has_status_line", "shown"), [(True, "on"), (False, "off")])
@pytest.mark.parametrize("installed", ["tmux"], indirect=True)
async def test_the_status_line_is_hidden_on_request(installed: Installed, has_status_line: bool, shown: str) -> None:  # noqa: FBT001
    """SCREEN_STATUS=0 hides it, in this session only."""
    await installed.open({"web": WAIT}, has_status_line=has_status_line)
    assert (await _output("tmux", "show-options", "-v", "-t", "=nova:", "status")).strip() == shown
    assert (await _output("tmux", "show-options", "-g", "-v", "status")).strip() == "on"


@pytest.mark.parametrize("installed", ["tmux"], indirect=True)
async def test_a_session_that_exists_is_an_error(installed: Installed) -> None:
    """The message has the command, its exit code, and what the program says."""
    await installed.open({"web": WAIT})
    with pytest.raises(MachineError) as refused:
        await installed.open({"web": WAIT})
    assert str(refused.value) == "tmux new-session ended with exit code 1: duplicate session: nova"


@pytest.mark.parametrize("installed", ["screen"], indirect=True)
async def test_a_folder_of_sockets_that_cannot_be_used_is_an_error(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the command, its exit code, and what the program says."""
    (installed.folder / "file").touch()
    monkeypatch.setenv("SCREENDIR", str(installed.folder / "file"))
    with pytest.raises(MachineError) as refused:
        await installed.open({"web": WAIT})
    assert str(refused.value) == f"screen -dmS ended with exit code 1: {installed.folder}/file is not a directory."
    assert not await installed.multiplexer.has("nova")


def test_tmux_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where both are installed."""
    for name in ("tmux", "screen"):
        require_program(name)
    install(tmp_path, monkeypatch, "screen")
    other = type(find_multiplexer())
    (tmp_path / "bin/tmux").symlink_to("/bin/true")
    assert not isinstance(find_multiplexer(), other)


def test_a_machine_without_a_multiplexer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the command that installs one."""
    install(tmp_path, monkeypatch)
    with pytest.raises(MachineError) as refused:
        find_multiplexer()
    assert str(refused.value) == "neither tmux nor GNU screen is installed; run: apt-get install tmux (or screen)"
