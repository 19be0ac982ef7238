"""Small programs, and waiting for their effects."""

import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import psutil

WITHIN_S = 10  # for what takes milliseconds on an idle machine


def python(code: str, *arguments: str | Path) -> tuple[str | Path, ...]:
    """Return the argv that runs the code in an isolated Python, which starts in 10 ms."""
    return (sys.executable, "-IS", "-c", code, *arguments)


def shell(code: str) -> tuple[str, ...]:
    """Return the argv that runs the code in a shell."""
    return ("sh", "-c", code)


def is_running(pid: int) -> bool:
    """Return whether the process is alive; a zombie is not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def wait_until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds, checking every few milliseconds."""
    with anyio.fail_after(WITHIN_S):
        while not condition():  # noqa: ASYNC110 - other programs set no event of ours
            await anyio.sleep(0.005)


async def wait_for_text(path: Path, text: str) -> None:
    """Wait until the file exists and contains the text."""
    await wait_until(lambda: path.exists() and text in path.read_text())
