"""Sessions of tmux, or of GNU screen if tmux is missing, with one window for each command."""

import os
import shutil
from collections.abc import Mapping, Sequence
from typing import NoReturn, Protocol

import anyio

from novaflow.errors import MachineError

_SCREENS_STATUS_LINE = "%-Lw%{= BW}%50>%n%f* %t%{-}%+Lw%<"  # nova.sh's own


class Multiplexer(Protocol):
    """A terminal multiplexer; sessions and windows have names."""

    async def has(self, session: str) -> bool:
        """Return whether there is a session of that name."""
        ...

    async def open(self, session: str, windows: Mapping[str, Sequence[str]], *, has_status_line: bool) -> None:
        """Create a detached session; ``windows`` maps the name of each window to the argv of its command.

        Raises: MachineError, with the output of the program.
        """
        ...

    def attach(self, session: str, window: str | None) -> NoReturn:
        """Replace this process by a client that shows the session, at this window or at the last one."""
        ...


def find_multiplexer() -> Multiplexer:
    """Return the multiplexer that is installed.

    Raises: MachineError, naming the packages.
    """
    if shutil.which("tmux"):
        return Tmux()
    if shutil.which("screen"):
        return Screen()
    raise MachineError("neither tmux nor GNU screen is installed; run: apt-get install tmux (or screen)")


class Tmux:
    """tmux, where ``=NAME`` matches a session of exactly that name."""

    async def has(self, session: str) -> bool:
        """Return whether there is a session of that name."""
        return (await anyio.run_process(["tmux", "has-session", "-t", f"={session}"], check=False)).returncode == 0

    async def open(self, session: str, windows: Mapping[str, Sequence[str]], *, has_status_line: bool) -> None:
        """Create the session with its first window, then the others."""
        (first, command), *others = windows.items()
        await _run("tmux", "new-session", "-d", "-s", session, "-n", first, *command)
        await _run("tmux", "set-option", "-t", f"={session}:", "status", "on" if has_status_line else "off")
        for window, words in others:
            await _run("tmux", "new-window", "-d", "-t", f"={session}:", "-n", window, *words)

    def attach(self, session: str, window: str | None) -> NoReturn:
        """Replace this process by tmux."""
        os.execvp("tmux", ["tmux", "attach-session", "-t", f"={session}:={window}" if window else f"={session}"])  # noqa: S606, S607 - as typed


class Screen:
    """GNU screen; its windows are no logins (``-ln``): they are not in utmp, and the status line does not mark them."""

    async def has(self, session: str) -> bool:
        """Return whether there is a session of that name."""
        listed = await anyio.run_process(["screen", "-ls", session], check=False)
        names = [line.split()[0].partition(".")[2] for line in listed.stdout.decode().splitlines() if line.startswith("\t")]
        return session in names

    async def open(self, session: str, windows: Mapping[str, Sequence[str]], *, has_status_line: bool) -> None:
        """Create the session with its first window, then the others."""
        (first, command), *others = windows.items()
        await _run("screen", "-dmS", session, "-ln", "-t", first, *command)
        line = ("alwayslastline", _SCREENS_STATUS_LINE) if has_status_line else ("ignore",)
        await _run("screen", "-S", session, "-X", "hardstatus", *line)
        for window, words in others:
            await _run("screen", "-S", session, "-X", "screen", "-ln", "-t", window, *words)

    def attach(self, session: str, window: str | None) -> NoReturn:
        """Replace this process by screen; with -x several terminals show the same session."""
        os.execvp("screen", ["screen", "-x", session, *(["-p", window] if window else [])])  # noqa: S606, S607 - as typed


async def _run(*words: str) -> None:
    done = await anyio.run_process(words, check=False)
    if done.returncode:
        raise MachineError(f"{words[0]} {words[1]} ended with exit code {done.returncode}: {(done.stderr + done.stdout).decode().strip()}")
