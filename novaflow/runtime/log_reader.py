"""Reads the logs of a stack's services and steps."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import anyio

from novaflow.adapters.storage import LineFollower, read_last_lines
from novaflow.errors import UsageError
from novaflow.runtime.stack import Stack

LAST_LINES = 20  # of each log where several are shown
LAST_LINES_OF_ONE = 200
MOST_BYTES = 1 << 18  # of the end of a file that is searched for them
POLL_S = 0.1  # between two reads of growing files

Write = Callable[[str], None]


def find_logs(stack: Stack, name: str | None) -> tuple[Path, ...]:
    """Return the log files of a node, or of the services called ``name``; of every service if it is ``None``.

    Raises: UsageError, with the names of the logs that exist.
    """
    if not stack.paths.log.is_dir():
        raise UsageError(f"there are no logs: {stack.paths.log} does not exist")
    paths = [stack.paths.log / f"{node}.log" for node in _find_nodes(stack, name)]
    if found := tuple(path for path in paths if path.exists()):
        return found
    existing = ", ".join(sorted(path.stem for path in stack.paths.log.glob("*.log")))
    raise UsageError(f"there is no log of {name or 'any service'}; there are: {existing or 'none'}")


def _find_nodes(stack: Stack, name: str | None) -> Sequence[str]:
    if name is None:
        return [node.name for node in stack.graph("run").nodes.values() if node.is_service]
    if (stack.paths.log / f"{name}.log").exists():
        return [name]
    with suppress(UsageError):  # the caller reports which logs exist
        return stack.find_services(name)
    return []


async def write_logs(paths: Sequence[Path], write: Write, *, follow: bool) -> None:
    """Write the last lines of each log, then, with ``follow``, every new line until cancelled.

    Lines of several logs begin with the name of the log.
    """
    width = max(len(path.stem) for path in paths)
    logs = [_Log(path, f"{path.stem:<{width}} | " if len(paths) > 1 else "", write) for path in paths]
    for log in logs:
        await log.write_last(LAST_LINES_OF_ONE if len(paths) == 1 else LAST_LINES)
    while follow:
        for log in logs:
            await log.write_new()
        await anyio.sleep(POLL_S)


class _Log:
    """One log file; ``prefix`` begins each line that is written."""

    def __init__(self, path: Path, prefix: str, write: Write) -> None:
        self._path, self._prefix, self._write = path, prefix, write
        self._follower = LineFollower(path)  # opened before the last lines are read: no line is lost in between

    async def write_last(self, count: int) -> None:
        """Write the last lines."""
        self._write_all((await read_last_lines(self._path, count=count, most_bytes=MOST_BYTES)).splitlines())

    async def write_new(self) -> None:
        """Write the lines that were appended since the last call."""
        self._write_all(await self._follower.read())

    def _write_all(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._write(f"{self._prefix}{line}")
