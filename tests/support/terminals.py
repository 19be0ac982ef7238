"""A real terminal for full-screen programs: a private tmux server."""

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

LOOK_EVERY_S = 0.05
COLUMNS, LINES = 150, 45
WITHIN_S = 30  # for what takes a second on an idle machine


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal that runs one program; ``socket`` is the socket of its tmux server."""

    socket: Path

    async def screen(self) -> str:
        """Return the text on the screen."""
        return await self._tmux("capture-pane", "-p")

    async def type(self, *keys: str) -> None:
        """Type keys, named as in tmux."""
        await self._tmux("send-keys", *keys)

    async def wait_shown(self, *texts: str) -> str:
        """Wait until the screen shows all of these texts at once, and return its text."""
        shown = ""
        with anyio.move_on_after(WITHIN_S):
            while True:
                shown = await self.screen()
                if all(text in shown for text in texts):
                    return shown
                await anyio.sleep(LOOK_EVERY_S)
        raise AssertionError(f"{texts} not on the screen:\n{shown}")

    async def wait_ended(self) -> int:
        """Wait until the program has exited, and return its exit code."""
        with anyio.fail_after(WITHIN_S):
            while not (self.code.exists() and (code := self.code.read_text())):  # noqa: ASYNC110 - written by another process
                await anyio.sleep(LOOK_EVERY_S)
        return int(code)

    @property
    def code(self) -> Path:
        """Return the file with the exit code of the program; tmux itself does not always know it."""
        return self.socket.with_suffix(".code")

    async def _tmux(self, *words: str) -> str:
        return (await anyio.run_process(["tmux", "-S", str(self.socket), *words])).stdout.decode()


@asynccontextmanager
async def terminal(folder: Path, words: Sequence[str], env: Mapping[str, str]) -> AsyncIterator[Terminal]:
    """Run a program in a terminal during the block; its last screen stays after its exit."""
    require_program("tmux")
    shown = Terminal(folder / f"terminal-{secrets.token_hex(2)}")  # an earlier server may take a moment to exit
    tmux = ["tmux", "-S", str(shown.socket), "-f", "/dev/null"]
    settings = [f"{name}={value}" for name, value in env.items() if name != "COLUMNS"]  # the terminal sets its own width
    note = ["sh", "-c", 'trap : INT; "$@"; echo $? >"$0"', str(shown.code)]  # Ctrl-C is for the program
    size = ["-x", str(COLUMNS), "-y", str(LINES), "-c", str(folder)]
    command = ["env", "-i", "TERM=screen-256color", "LANG=C.UTF-8", *settings, *note, *words]
    await anyio.run_process([*tmux, "set-option", "-g", "remain-on-exit", "on", ";", "new-session", "-d", *size, *command])
    try:
        yield shown
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.run_process([*tmux, "kill-server"])


def require_program(name: str) -> None:
    """Skip the test if a program is missing; fail it in CI."""
    if shutil.which(name) is None:
        if os.environ.get("CI") == "true":  # noqa: TID251 - the CI system sets it
            pytest.fail(f"{name} is missing, and CI must not skip")
        pytest.skip(f"{name} is not installed")
