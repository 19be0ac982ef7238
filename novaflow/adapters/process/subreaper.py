"""Makes the supervisor the parent of orphaned processes, and reaps them."""

import ctypes
import os
from contextlib import suppress

import anyio
import psutil

from novaflow.errors import MachineError

_PR_SET_CHILD_SUBREAPER = 36  # Source: prctl(2)
INTERVAL_S = 1.0  # a zombie occupies nothing but its entry in the process table


def become_subreaper() -> None:
    """Make this process the parent of all descendants whose parent exits.

    Raises: MachineError, if the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise MachineError(f"the kernel refuses PR_SET_CHILD_SUBREAPER: {os.strerror(ctypes.get_errno())}")


async def reap_orphans(*, every_s: float = INTERVAL_S) -> None:
    """Reap adopted children until cancelled; a child is reaped when it has been a zombie in two rounds.

    The event loop reaps the processes that it started within milliseconds, so this never takes their exit codes.
    """
    seen: set[int] = set()
    while True:
        zombies = {child.pid for child in psutil.Process().children() if _is_zombie(child)} if _has_zombie() else set[int]()
        for pid in seen & zombies:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # noqa: ASYNC222 - returns at once
        seen = zombies
        await anyio.sleep(every_s)


def _has_zombie() -> bool:
    """Return whether a child is a zombie: one system call, while psutil reads about every process of the machine."""
    with suppress(ChildProcessError):  # there are no children
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    return False


def _is_zombie(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.status() == psutil.STATUS_ZOMBIE
    return False
