"""A wakeup for a thread that waits for a socket: it costs the caller a microsecond."""

import os
import select
from contextlib import suppress


class Wakeup:
    """A file descriptor (eventfd) that is readable while it is set; any thread may set it."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """Return the file descriptor, for poll()."""
        return self._fd

    def set(self) -> None:
        """Make the descriptor readable; after ``close``, do nothing. No other thread may close it meanwhile."""
        if self._fd >= 0:
            os.eventfd_write(self._fd, 1)

    def wait(self, within_s: float) -> None:
        """Wait until the descriptor is readable, up to ``within_s``."""
        poller = select.poll()
        poller.register(self._fd, select.POLLIN)
        poller.poll(within_s * 1000)

    def clear(self) -> None:
        """Make the descriptor unreadable until the next ``set``."""
        with suppress(BlockingIOError):
            os.eventfd_read(self._fd)

    def close(self) -> None:
        """Close the descriptor; no thread may wait for it any more."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
