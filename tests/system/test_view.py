"""The dashboard of `run` on a real terminal."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from novaflow.adapters.process import ProcessOwner, find_processes
from tests.support.terminals import Terminal, terminal
from tests.system.toy import WITHIN_S, Toy, wait_printed

pytestmark = pytest.mark.slow

WORDS = "import time; print('apple\\nbanana\\ncherry', flush=True); time.sleep(600)"
READY = "nova is ready"


@asynccontextmanager
async def running(toy: Toy, *words: str) -> AsyncIterator[Terminal]:
    """Type `novaflow run` in a terminal, and wait until two services are ready."""
    toy.add(WORDS, answer="it is awake")
    toy.installed()
    async with terminal(toy.folder, [sys.executable, "-m", "novaflow.cli.main", "run", *words], toy.env) as shown:
        await shown.wait_shown(READY, "2 of 2 services are ready")
        yield shown


async def test_keys_act_on_services(toy: Toy) -> None:
    """Services are listed with state and resource use; keys select, search, filter, restart, stop and start, and open panes; q stops it."""
    async with running(toy) as shown:
        picture = await shown.wait_shown("▶ web", "  extra", "it is awake", "MiB", " %", "0:0")
        assert "apple" not in picture
        await shown.type("Down")
        await shown.wait_shown("▶ extra", "╭─ extra: log", "apple", "banana", "cherry")
        await shown.type("e")
        await shown.wait_shown("╭─ events", "service  extra", "started")
        await shown.type("g")
        await shown.wait_shown("╭─ extra: needs", "extra: Another toy.", "needs       web", "log  ")
        await shown.type("Up")
        await shown.wait_shown("▶ web", "╭─ web: needs", "needed by   ")
        await shown.type("?")
        await shown.wait_shown("╭─ keys", "restart the selected service")
        await shown.type("Escape", "Down")
        await shown.wait_shown("▶ extra", "╭─ extra: log")
        await shown.type("/", "n", "a", "n", "Enter")
        assert "apple" not in await shown.wait_shown("banana", "search: nan")
        await shown.type("Escape", "f", "w", "e", "Enter")
        assert "it is awake" not in await shown.wait_shown("▶ web", "filter: we")
        await shown.type("Escape", "Down", "r")
        await shown.wait_shown("restart of extra is done", "2 of 2 services are ready")
        assert {each["name"]: each["restarts"] for each in (await toy.status())["services"]} == {"web": 0, "extra": 1}
        await shown.type("s")
        await shown.wait_shown("stop extra? press s again", "2 of 2 services are ready")
        await shown.type("s")
        await shown.wait_shown("stop of extra is done", "stopped", "1 of 2 services are ready")
        await shown.type("s")
        await shown.wait_shown("start of extra is done", "2 of 2 services are ready")
        await shown.type("q")
        assert await shown.wait_ended() == 0
        assert READY in await shown.wait_shown("nova is stopped: everything was stopped, as requested")
    assert not toy.is_held
    assert find_processes(ProcessOwner(toy.paths)) == ()


async def test_ctrl_c_stops_the_stack(toy: Toy) -> None:
    """The exit code names the signal, and the terminal is restored."""
    async with running(toy) as shown:
        await shown.type("C-c")
        assert await shown.wait_ended() == 130
        await shown.wait_shown("nova is stopped", "interrupted; everything was stopped")
    assert not toy.is_held


async def test_keep_leaves_the_stack_running(toy: Toy) -> None:
    """By key and by signal, on a terminal and in a pipe."""
    async with running(toy, "--keep") as shown:
        await shown.type("q")
        assert await shown.wait_ended() == 0
        await shown.wait_shown("nova keeps running; `novaflow status` shows it, `novaflow clean` stops it")
    assert (await toy.call("status")).code == 0
    assert (await toy.call("clean")).code == 0
    async with toy.calling("run", "--keep") as process:
        await wait_printed(process, READY)
        process.terminate()
        assert await process.wait() == 0
    assert (await toy.call("status")).code == 0


async def test_a_failure_stays_on_the_terminal(toy: Toy) -> None:
    """The failure, the end of the log and the folder of logs are shown after the dashboard has closed."""
    toy.add("print('no licence'); raise SystemExit(7)")
    toy.installed()
    async with terminal(toy.folder, [sys.executable, "-m", "novaflow.cli.main", "run"], toy.env) as shown:
        assert await shown.wait_ended() == 3
        await shown.wait_shown("extra exited with 7", "no licence", "nova did not come up", "logs are in")


async def test_a_closed_terminal_stops_the_stack(toy: Toy) -> None:
    """As after an interrupted connection: nothing of the stack is left running."""
    async with running(toy):
        pass
    with anyio.fail_after(WITHIN_S):
        while toy.is_held:  # noqa: ASYNC110 - another process releases it
            await anyio.sleep(0.05)
    assert find_processes(ProcessOwner(toy.paths)) == ()
    assert (await toy.call("status")).code == 6
