"""Keys on a real pseudo-terminal."""

import os
import pty
import sys
import termios
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from subprocess import PIPE

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from novaflow.model.selection import BACKSPACE, DOWN, ENTER, ESCAPE, UP

pytestmark = pytest.mark.slow  # each test starts a program

WITHIN_S = 20  # for what takes a second on an idle machine
PROGRAM = """
import anyio
from novaflow.adapters.terminal import keys_as_typed, read_keys

async def main():
    with keys_as_typed():
        print("reading", flush=True)
        try:
            while (keys := await read_keys()) != ["q"]:
                print(keys, flush=True)
        except EOFError:
            print("closed", flush=True)

anyio.run(main)
"""


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """Return the two ends of a pseudo-terminal: that of the user and that of the program."""
    user, program = pty.openpty()
    yield user, program
    os.close(program)
    os.close(user)


class Reader:
    """A program that prints the keys that it reads."""

    def __init__(self, process: Process) -> None:
        assert process.stdout
        self._lines = BufferedByteReceiveStream(process.stdout)

    async def line(self) -> str:
        """Return the next line that it prints."""
        with anyio.fail_after(WITHIN_S):
            return (await self._lines.receive_until(b"\n", 10_000)).decode()


@asynccontextmanager
async def reading(terminal: int) -> AsyncIterator[Reader]:
    """Run the program with this terminal from the moment it reads keys; q or a closed terminal must end it."""
    async with await anyio.open_process([sys.executable, "-c", PROGRAM], stdin=terminal, stdout=PIPE, stderr=None) as process:
        reader = Reader(process)
        assert await reader.line() == "reading"
        yield reader
        with anyio.fail_after(WITHIN_S):
            assert await process.wait() == 0


def local_modes(terminal: int) -> int:
    """Return the local modes of a terminal, such as the echo."""
    modes = termios.tcgetattr(terminal)[3]
    assert isinstance(modes, int)
    return modes


async def test_keys_are_read_as_they_are_typed(ends: tuple[int, int]) -> None:
    """A key is read without Enter; an arrow key is one key, letters that arrive together are several, and so is text of any script."""
    user, program = ends
    async with reading(program) as reader:
        for typed, keys in (
            ("a", ["a"]),
            (UP, [UP]),
            (f"x{DOWN}{DOWN}y", ["x", DOWN, DOWN, "y"]),
            (ENTER, [ENTER]),
            (BACKSPACE, [BACKSPACE]),
            (ESCAPE, [ESCAPE]),
            ("\x1b[1;5C\x1b[3~z", ["\x1b[1;5C", "\x1b[3~", "z"]),
            ("é日", ["é", "日"]),
        ):
            os.write(user, typed.encode())
            assert await reader.line() == str(keys)
        os.write(user, b"\xff")
        assert await reader.line() == str(["\ufffd"])
        os.write(user, b"q")


async def test_the_terminal_is_restored(ends: tuple[int, int]) -> None:
    """While keys are read there is no echo and no line editing, but Ctrl-C keeps its meaning; afterwards all is as before."""
    user, program = ends
    before = termios.tcgetattr(program)
    async with reading(program):
        during = local_modes(program)
        assert during & (termios.ECHO | termios.ICANON) == 0
        assert during & termios.ISIG
        os.write(user, b"q")
    assert termios.tcgetattr(program) == before


async def test_the_end_of_the_input_is_an_error() -> None:
    """The terminal was closed: the program is not woken without end."""
    user, program = pty.openpty()
    async with reading(program) as reader:
        os.close(program)
        os.close(user)
        assert await reader.line() == "closed"
