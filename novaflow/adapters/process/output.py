"""What programs print: written to a log, kept in memory within limits, and split into lines."""

from collections.abc import AsyncIterable, Callable, Sequence
from contextlib import suppress
from io import RawIOBase

_LONGEST_LINE = 1 << 16  # bytes; a longer one is passed on in pieces


def tolerant_writer(output: RawIOBase) -> Callable[[bytes], None]:
    """Return a function that writes to the log file: what the disk has no space for is lost, and the program continues."""

    def write(content: bytes) -> None:
        with suppress(OSError):
            output.write(content)

    return write


class Tail:
    """The end of an output, bounded in memory."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._content = bytearray()

    def append(self, chunk: bytes) -> None:
        """Append to the output."""
        self._content += chunk
        if len(self._content) > 2 * self._size:
            del self._content[: len(self._content) - self._size]

    @property
    def text(self) -> str:
        """Return the end of the output."""
        return bytes(self._content[max(0, len(self._content) - self._size) :]).decode(errors="replace")


async def read_lines(stream: AsyncIterable[bytes], sinks: Sequence[Callable[[bytes], object]], on_line: Callable[[str], None]) -> None:
    """Pass what a program prints to the sinks as it is, and to ``on_line`` line by line, until it closes its output."""
    rest = b""
    async for chunk in stream:
        for sink in sinks:
            sink(chunk)
        *lines, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
        if len(rest) > _LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        for line in lines:
            on_line(line.decode(errors="replace"))
    if rest:
        on_line(rest.decode(errors="replace"))
