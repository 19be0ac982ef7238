"""A real terminal for programs that draw on one: a tmux of the test's own, which shows what a person would see."""

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
WITHIN_S = 30  # for what takes a second on a machine with nothing else to do


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal in which one program runs; ``socket`` is its tmux's."""

    socket: Path

    async def screen(self) -> str:
        """Return what is to be seen."""
        return await self._tmux("capture-pane", "-p")

    async def type(self, *keys: str) -> None:
        """Type keys, each by its name in tmux's words."""
        await self._tmux("send-keys", *keys)

    async def wait_shown(self, *texts: str) -> str:
        """Wait until all of these are to be seen at once, and return the picture."""
        shown = ""
        with anyio.move_on_after(WITHIN_S):
            while True:
                shown = await self.screen()
                if all(text in shown for text in texts):
                    return shown
                await anyio.sleep(LOOK_EVERY_S)
        raise AssertionError(f"{texts} is not to be seen:\n{shown}")

    async def wait_ended(self) -> int:
        """Wait until the program has ended, and return its exit code."""
        with anyio.fail_after(WITHIN_S):
            while not (self.code.exists() and (code := self.code.read_text())):  # noqa: ASYNC110 - written by another process
                await anyio.sleep(LOOK_EVERY_S)
        return int(code)

    @property
    def code(self) -> Path:
        """Return the file that holds the program's exit code once it has ended; tmux itself does not always know it."""
        return self.socket.with_suffix(".code")

    async def _tmux(self, *words: str) -> str:
        return (await anyio.run_process(["tmux", "-S", str(self.socket), *words])).stdout.decode()


@asynccontextmanager
async def terminal(folder: Path, words: Sequence[str], env: Mapping[str, str]) -> AsyncIterator[Terminal]:
    """Run a program in a terminal beside the block; what was shown stays to be seen when it has ended."""
    require_program("tmux")
    shown = Terminal(folder / f"terminal-{secrets.token_hex(2)}")  # the server before takes a moment to go
    tmux = ["tmux", "-S", str(shown.socket), "-f", "/dev/null"]
    settings = [f"{name}={value}" for name, value in env.items() if name != "COLUMNS"]  # the terminal knows how wide it is
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
    """Skip the test where a program is missing; fail it in CI."""
    if shutil.which(name) is None:
        if os.environ.get("CI") == "true":  # noqa: TID251 - what CI says
            pytest.fail(f"{name} is missing, and CI must not skip")
        pytest.skip(f"{name} is not installed")
