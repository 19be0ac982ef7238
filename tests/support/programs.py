"""Programs of one line, and waiting for what they do."""

import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import psutil

WITHIN_S = 10  # for what takes milliseconds on a machine with nothing else to do


def python(code: str, *arguments: str | Path) -> tuple[str | Path, ...]:
    """Return the words that run the code, without whatever else is installed: it starts in 10 ms."""
    return (sys.executable, "-IS", "-c", code, *arguments)


def shell(code: str) -> tuple[str, ...]:
    """Return the words that run the code in a shell."""
    return ("sh", "-c", code)


def is_running(pid: int) -> bool:
    """Return whether the process lives; one that nobody has buried yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def wait_until(vm_state: Callable[[], object]) -> None:
    """Wait until the condition holds, asked every few milliseconds."""
    with anyio.fail_after(WITHIN_S):
        while not vm_state():  # noqa: ASYNC110 - what other programs do sets no event of ours
            await anyio.sleep(0.005)


async def wait_for_text(path: Path, text: str) -> None:
    """Wait until the file is there and holds the text."""
    await wait_until(lambda: path.exists() and text in path.read_text())
