"""Reads single keys from the terminal."""

import os
import re
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import anyio

MOST_BYTES = 256  # of one read
_KEY = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|.", re.DOTALL)


@contextmanager
def keys_as_typed() -> Iterator[None]:
    """Switch the terminal to single keys without echo; Ctrl-C keeps its meaning."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        with suppress(termios.error):  # the terminal has been closed
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


async def read_keys() -> list[str]:
    """Return the keys that are available, at least one; an arrow key is one key, as the terminal sends it.

    Raises: EOFError, if the terminal is closed.
    """
    await anyio.wait_readable(sys.stdin)
    if not (typed := os.read(sys.stdin.fileno(), MOST_BYTES).decode(errors="replace")):
        raise EOFError
    return _KEY.findall(typed)
