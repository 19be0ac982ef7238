"""`attach`: windows in tmux or GNU screen, seen in a real terminal."""

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
    """Return what commands see: sessions of the test's own, and a shell without anybody's settings."""
    return {**toy.env, "TMUX_TMPDIR": str(toy.folder), "SCREENDIR": str(toy.folder / SCREENS_FOLDER), "SHELL": "/bin/sh"}


@asynccontextmanager
async def attached(toy: Toy, *words: str, **env: str) -> AsyncIterator[Terminal]:
    """Type `novaflow attach` in a terminal."""
    argv = [sys.executable, "-m", "novaflow.cli.main", "attach", *words]
    async with terminal(toy.folder, argv, {**environment(toy), **env}) as shown:
        yield shown


@asynccontextmanager
async def without(toy: Toy, *programs: str) -> AsyncIterator[str]:
    """Lend a PATH on which everything is found but these."""
    folder = toy.folder / "programs"
    folder.mkdir()
    for name in ("sh", "env", "tail", "tmux", "screen", "printf"):
        if name not in programs:
            (folder / name).symlink_to(f"/usr/bin/{name}")
    yield str(folder)


async def up(toy: Toy) -> None:
    """Bring it up with two services and credentials."""
    toy.add(TICK, answer="it ticks")
    await toy.ready()
    (toy.paths.credentials / "openrc").write_text("export OS_USERNAME=admin\n")


async def test_a_window_for_each_service_and_one_to_try_things_in(toy: Toy) -> None:
    """The shell has the credentials, and a service's window its log; a second one attaches to the same session; clean ends it."""
    await up(toy)
    async with attached(toy) as first:
        assert "[nova]" in await first.wait_shown("0:test*", "1:web", "2:extra")
        await first.type("echo $OS_USERNAME; echo ${PATH%%:*}", "Enter")
        await first.wait_shown("\nadmin\n", f"{toy.paths.venv}/bin\n")
        await first.type("C-b", "2")
        await first.wait_shown("tick")
    async with attached(toy, "httpd") as second:  # one of nova.sh's names: that service's window
        await second.wait_shown("0:test", "1:web*", "2:extra")
        sessions = await anyio.run_process(["tmux", "list-sessions", "-F", "#{session_name}"], env=environment(toy))
        assert sessions.stdout == b"nova\n"
        assert (await toy.call("clean")).code == 0
        assert await second.wait_ended() == 0


async def test_the_session_has_the_name_that_is_set_and_hides_its_line(toy: Toy) -> None:
    """SCREEN_NAME and SCREEN_STATUS=0."""
    await up(toy)
    async with attached(toy, SCREEN_NAME="mine", SCREEN_STATUS="0") as shown:
        await shown.wait_shown("#" if os.geteuid() == 0 else "$")
        assert "0:test" not in await shown.screen()
        sessions = await anyio.run_process(["tmux", "list-sessions", "-F", "#{session_name} #{session_windows}"], env=environment(toy))
        assert sessions.stdout == b"mine 3\n"
        assert (await toy.call("clean")).code == 0


async def test_where_there_is_no_tmux_screen_does_it(toy: Toy) -> None:
    """The same windows, and the line nova.sh had at the bottom."""
    require_program("screen")
    (toy.folder / SCREENS_FOLDER).mkdir(mode=0o700)
    await up(toy)
    async with without(toy, "tmux") as path, attached(toy, PATH=path) as shown:
        await shown.wait_shown("0* test", "1 web", "2 extra")
        await shown.type("echo $OS_USERNAME", "Enter")
        await shown.wait_shown("\nadmin\n")
        assert (await toy.call("clean")).code == 0
        assert await shown.wait_ended() == 0


async def test_without_either_it_names_the_packages(toy: Toy) -> None:
    """The machine cannot do it as it is: exit code 5."""
    async with without(toy, "tmux", "screen") as path, attached(toy, PATH=path) as shown:
        await shown.wait_shown("novaflow: neither tmux nor GNU screen is installed; run: apt-get install tmux (or screen)")
        assert await shown.wait_ended() == 5


async def test_a_stack_that_is_not_up_has_no_windows(toy: Toy) -> None:
    """It says what to do."""
    async with attached(toy) as shown:
        await shown.wait_shown("novaflow: nova is not up; bring it up with `novaflow up`")
        assert await shown.wait_ended() == 2


async def test_it_needs_a_terminal(toy: Toy) -> None:
    """In a pipe there is another way."""
    said = await toy.call("attach")
    assert (said.code, said.err) == (2, "novaflow: attach needs a terminal; `novaflow logs NAME -f` follows a log without one\n")
