"""`attach`: windows in tmux or GNU screen, on a real terminal."""

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import anyio
import pytest

from tests.support.terminals import Terminal, require_program, terminal
from tests.system.toy import Toy

pytestmark = pytest.mark.slow

TICK = "import time; print('tick', flush=True); time.sleep(600)"
SCREENS_FOLDER = "screens"


def environment(toy: Toy) -> Mapping[str, str]:
    """Return the environment of commands: private tmux and screen sessions, and a shell without settings of a user."""
    return {**toy.env, "TMUX_TMPDIR": str(toy.folder), "SCREENDIR": str(toy.folder / SCREENS_FOLDER), "SHELL": "/bin/sh"}


@asynccontextmanager
async def attached(toy: Toy, *words: str, **env: str) -> AsyncIterator[Terminal]:
    """Type `novaflow attach` in a terminal."""
    argv = [sys.executable, "-m", "novaflow.cli.main", "attach", *words]
    async with terminal(toy.folder, argv, {**environment(toy), **env}) as shown:
        yield shown


@asynccontextmanager
async def without(toy: Toy, *programs: str) -> AsyncIterator[str]:
    """Return a PATH with all programs except these."""
    folder = toy.folder / "programs"
    folder.mkdir()
    for name in ("sh", "env", "tail", "tmux", "screen", "printf"):
        if name not in programs:
            (folder / name).symlink_to(f"/usr/bin/{name}")
    yield str(folder)


async def up(toy: Toy) -> None:
    """Bring the stack up with two services and credentials."""
    toy.add(TICK, answer="it ticks")
    await toy.ready()
    (toy.paths.credentials / "openrc").write_text("export OS_USERNAME=admin\n")


async def test_each_service_has_a_window(toy: Toy) -> None:
    """One more window has a shell with credentials; a second `attach` uses the same session, and `clean` ends it."""
    await up(toy)
    async with attached(toy) as first:
        assert "[nova]" in await first.wait_shown("0:test*", "1:web", "2:extra")
        await first.type("echo $OS_USERNAME; echo ${PATH%%:*}", "Enter")
        await first.wait_shown("\nadmin\n", f"{toy.paths.venv}/bin\n")
        await first.type("C-b", "2")
        await first.wait_shown("tick")
    async with attached(toy, "httpd") as second:  # an alias of nova.sh: the window of that service
        await second.wait_shown("0:test", "1:web*", "2:extra")
        sessions = await anyio.run_process(["tmux", "list-sessions", "-F", "#{session_name}"], env=environment(toy))
        assert sessions.stdout == b"nova\n"
        assert (await toy.call("clean")).code == 0
        assert await second.wait_ended() == 0


async def test_settings_name_the_session_and_hide_its_status_line(toy: Toy) -> None:
    """SCREEN_NAME and SCREEN_STATUS=0 apply to the session."""
    await up(toy)
    async with attached(toy, SCREEN_NAME="mine", SCREEN_STATUS="0") as shown:
        await shown.wait_shown("#" if os.geteuid() == 0 else "$")
        assert "0:test" not in await shown.screen()
        sessions = await anyio.run_process(["tmux", "list-sessions", "-F", "#{session_name} #{session_windows}"], env=environment(toy))
        assert sessions.stdout == b"mine 3\n"
        assert (await toy.call("clean")).code == 0


async def test_screen_replaces_a_missing_tmux(toy: Toy) -> None:
    """It has the same windows, and the status line of nova.sh."""
    require_program("screen")
    (toy.folder / SCREENS_FOLDER).mkdir(mode=0o700)
    await up(toy)
    async with without(toy, "tmux") as path, attached(toy, PATH=path) as shown:
        await shown.wait_shown("0* test", "1 web", "2 extra")
        await shown.type("echo $OS_USERNAME", "Enter")
        await shown.wait_shown("\nadmin\n")
        assert (await toy.call("clean")).code == 0
        assert await shown.wait_ended() == 0


async def test_without_tmux_and_screen_the_error_names_the_packages(toy: Toy) -> None:
    """The exit code is 5."""
    async with without(toy, "tmux", "screen") as path, attached(toy, PATH=path) as shown:
        await shown.wait_shown("novaflow: neither tmux nor GNU screen is installed; run: apt-get install tmux (or screen)")
        assert await shown.wait_ended() == 5


async def test_attach_needs_a_running_stack(toy: Toy) -> None:
    """The error says how to bring it up."""
    async with attached(toy) as shown:
        await shown.wait_shown("novaflow: nova is not up; bring it up with `novaflow up`")
        assert await shown.wait_ended() == 2


async def test_attach_needs_a_terminal(toy: Toy) -> None:
    """In a pipe the error names an alternative."""
    result = await toy.call("attach")
    assert (result.code, result.err) == (2, "novaflow: attach needs a terminal; `novaflow logs NAME -f` follows a log without one\n")
