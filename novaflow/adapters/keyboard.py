"""Keys as they are typed, without waiting for the end of a line."""

import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import anyio


@contextmanager
def keys_as_typed() -> Iterator[None]:
    """Have the terminal hand over each key at once and show none; Ctrl-C stays what it is."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


async def read_key() -> str:
    """Return the next key; nothing if the terminal is gone."""
    await anyio.wait_readable(sys.stdin)
    return os.read(sys.stdin.fileno(), 1).decode(errors="replace")
