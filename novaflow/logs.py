"""Configures the log output of a process."""

import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog


def log_to(stream: TextIO = sys.stderr, *, as_json: bool = False, debug: bool = False) -> None:
    """Write log entries to ``stream``.

    ``as_json`` writes one JSON object a line, from the level info; otherwise lines for users, from the level warning.
    ``debug`` writes every level.
    """
    level = "debug" if debug else ("info" if as_json else "warning")
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _TolerantStream(stream))),
    )


class _TolerantStream:
    """Writes to a stream, and drops what it refuses: an entry is lost when the disk is full, and the program continues.

    It has what `print` uses of a stream.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write the text if it can be written."""
        with suppress(OSError, ValueError):  # ValueError: the stream is closed
            self._stream.write(text)

    def flush(self) -> None:
        """Flush the stream if it can be written."""
        with suppress(OSError, ValueError):
            self._stream.flush()
