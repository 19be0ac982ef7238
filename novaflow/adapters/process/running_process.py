"""Processes of programs that the event loop has not started itself."""

import os
from contextlib import suppress
from typing import Protocol

import anyio


class RunningProcess(Protocol):
    """A process that this supervisor or an earlier one has started."""

    @property
    def pid(self) -> int:
        """Return the process id."""
        ...

    @property
    def returncode(self) -> int | None:
        """Return the exit code, negative for a signal; ``None`` while the process runs or if the exit code is unknown."""
        ...

    async def wait(self) -> object:
        """Wait until the process exits."""
        ...


class AdoptedProcess:
    """A process that is watched by its id, because an earlier supervisor or a fork server has started it.

    Its exit code is known if this process has become its parent, as a subreaper.

    Raises: ProcessLookupError, if it has exited.
    """

    returncode: int | None = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)

    async def wait(self) -> None:
        """Wait until the process exits; several tasks may wait at the same time."""
        own = os.dup(self._descriptor)  # only one task can wait for one descriptor
        try:
            await anyio.wait_readable(own)
        finally:
            os.close(own)
        if self.returncode is None:
            with suppress(ChildProcessError):  # of another parent, or reaped already
                # By the descriptor: the process id may be that of another child by now.
                if ended := os.waitid(os.P_PIDFD, self._descriptor, os.WEXITED | os.WNOHANG):  # noqa: ASYNC222 - returns at once
                    self.returncode = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def close(self) -> None:
        """Release the descriptor."""
        os.close(self._descriptor)
