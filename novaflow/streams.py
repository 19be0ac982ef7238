"""Output streams: characters that they cannot encode, and readers that have ended."""

import os
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO


def substitute_unknown_characters(stream: TextIO) -> None:
    """Write a question mark for each character that the encoding of the stream does not have."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")


def discard_output(stream: TextIO) -> None:
    """Discard the rest of the output. Otherwise Python tries to write it again at its exit, and fails with exit code 120."""
    with suppress(OSError), Path(os.devnull).open("wb") as nothing:  # a stream may have no file descriptor
        os.dup2(nothing.fileno(), stream.fileno())
