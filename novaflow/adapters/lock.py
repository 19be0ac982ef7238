"""One novaflow at a time works on a stack."""

import fcntl
import os
from pathlib import Path

from novaflow.adapters.files import unwritable
from novaflow.errors import StackBusy


class StackLock:
    """The stack's lock, held as long as the object, or a process that inherited its descriptor, lives.

    Raises: StackBusy, naming who holds it; MachineError, if the file cannot be made.
    """

    def __init__(self, path: Path, command: str) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise unwritable(path, error) from error
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self.descriptor, 200, 0).decode(errors="replace").strip()
            os.close(self.descriptor)
            message = f"another novaflow is at work on {path.parent.parent}: {holder or 'it has not said which'}"
            raise StackBusy(message) from None
        self.sign(command)

    @classmethod
    def inherited(cls, descriptor: int, command: str) -> "StackLock":
        """Take over the lock a parent passed on; programs started from here do not inherit it."""
        lock = cls.__new__(cls)
        lock.descriptor = descriptor
        os.set_inheritable(descriptor, False)
        lock.sign(command)
        return lock

    def sign(self, command: str) -> None:
        """Write down who holds the lock, for those who find it held."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, f"`novaflow {command}`, pid {os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go; a process that inherited the descriptor still holds it."""
        os.close(self.descriptor)


def is_locked(path: Path) -> bool:
    """Return whether somebody holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
