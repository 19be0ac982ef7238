"""Takes in what services orphan, so that nothing they started outlives them unseen."""

import ctypes
import os
from contextlib import suppress

import anyio
import psutil

from novaflow.errors import MachineError

_PR_SET_CHILD_SUBREAPER = 36  # Source: prctl(2)
ROUND_S = 1.0  # a zombie costs nothing but its entry


def become_subreaper() -> None:
    """Make this process the parent of everything its descendants orphan.

    Raises: MachineError, if the kernel will not.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        message = f"the kernel refuses PR_SET_CHILD_SUBREAPER: {os.strerror(ctypes.get_errno())}"
        raise MachineError(message)


async def reap_orphans(*, every_s: float = ROUND_S) -> None:
    """Bury adopted children for ever; one is buried in the second round that sees it dead.

    Our own children are buried by whoever started them within milliseconds, so never by us.
    """
    seen: set[int] = set()
    while True:
        dead = {child.pid for child in psutil.Process().children() if _is_zombie(child)}
        for pid in seen & dead:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # noqa: ASYNC222 - returns at once
        seen = dead
        await anyio.sleep(every_s)


def _is_zombie(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.status() == psutil.STATUS_ZOMBIE
    return False
