"""Keys as they are typed, without waiting for the end of a line."""

import os
import re
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

MOST_BYTES = 256  # of one read; a hand types fewer
_KEY = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|.", re.DOTALL)


@contextmanager
def keys_as_typed() -> Iterator[None]:
    """Have the terminal hand over each key at once and show none; Ctrl-C stays what it is."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


async def read_keys() -> list[str]:
    """Return the next keys, as many as there are; an arrow is one, as the terminal sends it.

    Raises: EOFError, if the terminal is gone.
    """
    await anyio.wait_readable(sys.stdin)
    if not (typed := os.read(sys.stdin.fileno(), MOST_BYTES).decode(errors="replace")):
        raise EOFError
    return _KEY.findall(typed)
