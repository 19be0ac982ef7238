"""The lock of a stack: one novaflow process changes it at a time."""

import fcntl
import os
import struct
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from novaflow.adapters.storage.atomic_file import write_error
from novaflow.errors import StackBusy
from novaflow.settings import create_own_folder, refuse_links

_FLOCK = struct.Struct("@hhqqi4x")  # type, whence, start, length, pid. Source: struct flock in fcntl(2)
_RELEASED = -1
_WRITTEN_WITHIN_S = 1.0
_WHOLE_FILE = (os.SEEK_SET, 0, 0, 0)


class StackLock:
    """The lock of a stack, held until it is released here and in each process that inherited its descriptor.

    ``path`` is in a folder of the folder of the stack; both are created if they are missing.

    Raises: NotTrusted, if another user can change the folder of the stack; StackBusy, with the command and the pid of the
    holder; MachineError, if the file cannot be created.
    """

    def __init__(self, path: Path, command: str) -> None:
        try:
            create_own_folder(path.parent.parent)
            create_own_folder(path.parent)
            self.descriptor = refuse_links(str(path), os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise write_error(path, error) from error
        try:
            fcntl.fcntl(self.descriptor, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, *_WHOLE_FILE))
        except BlockingIOError:
            holder = _read_holder(self.descriptor)
            os.close(self.descriptor)
            program = holder or "its command is not known yet"
            message = f"{path.parent.parent} is in use by another novaflow process: {program}; wait until it has ended"
            raise StackBusy(message) from None
        self._write_holder(command)

    @classmethod
    def inherited(cls, descriptor: int, command: str) -> Self:
        """Return the lock that the parent process passed on; programs that this process starts do not inherit it."""
        lock = cls.__new__(cls)
        lock.descriptor = descriptor
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - it takes no keyword
        lock._write_holder(command)  # noqa: SLF001 - its own class
        return lock

    def release(self) -> None:
        """Release the lock, unless a process that inherited the descriptor still holds it; a second call does nothing."""
        if self.descriptor != _RELEASED:
            os.close(self.descriptor)
            self.descriptor = _RELEASED

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()

    def _write_holder(self, command: str) -> None:
        with suppress(OSError):  # the disk is full: the lock is held without it
            os.ftruncate(self.descriptor, 0)
            os.pwrite(self.descriptor, f"`novaflow {command}`, pid {os.getpid()}\n".encode(), 0)


def _read_holder(descriptor: int) -> str:
    """Return what the holder has written; it does so a moment after it has taken the lock."""
    until_s = time.monotonic() + _WRITTEN_WITHIN_S
    while not (holder := os.pread(descriptor, 200, 0).decode(errors="replace").strip()) and time.monotonic() < until_s:
        time.sleep(0.01)  # noqa: TID251 - only a command that will be refused waits, and has nothing else to do
    return holder


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock; the check does not take it, so that no other process finds it held.

    Raises: PermissionError, if this user may not read it.
    """
    try:
        descriptor = refuse_links(str(path), os.O_RDONLY)
    except PermissionError:
        raise
    except OSError:
        return False
    try:
        holder = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _FLOCK.pack(fcntl.F_RDLCK, *_WHOLE_FILE))
    finally:
        os.close(descriptor)
    kind: int = _FLOCK.unpack(holder)[0]
    return kind != fcntl.F_UNLCK
