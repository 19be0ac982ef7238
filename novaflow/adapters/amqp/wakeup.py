"""A bell that any thread rings, in a microsecond, and one thread hears while it waits for its socket."""

import os
import select
from contextlib import suppress


class Wakeup:
    """A descriptor that is readable once it was rung."""

    def __init__(self) -> None:
        self._file = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._file

    def set(self) -> None:
        """Wake whoever waits; a bell that was put away stays silent."""
        if self._file >= 0:
            os.eventfd_write(self._file, 1)

    def wait(self, within_s: float) -> None:
        """Wait for a ring, at most so long."""
        poller = select.poll()
        poller.register(self._file, select.POLLIN)
        poller.poll(within_s * 1000)

    def clear(self) -> None:
        """Forget that it was rung."""
        with suppress(BlockingIOError):
            os.eventfd_read(self._file)

    def close(self) -> None:
        """Close the descriptor; only when nobody listens any more."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)
