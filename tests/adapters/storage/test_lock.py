"""The lock of a stack."""

import os
import sys
from pathlib import Path
from threading import Event, Thread

import pytest

from novaflow.adapters.process import start_detached
from novaflow.adapters.storage import StackLock, is_locked
from novaflow.errors import MachineError, StackBusy
from tests.support.programs import WITHIN_S


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the lock file of a stack that does not exist yet."""
    return tmp_path / "nova/run/stack.lock"


def test_a_free_lock_is_taken_and_released(path: Path) -> None:
    """Its folder is created; after the release it can be taken again."""
    assert not is_locked(path)
    lock = StackLock(path, "install")
    assert is_locked(path)
    lock.release()
    assert not is_locked(path)
    StackLock(path, "run").release()


def test_a_second_holder_is_rejected(path: Path) -> None:
    """The error names the stack, the command and the process of the holder."""
    lock = StackLock(path, "install")
    user = rf"^{path.parent.parent} is in use by another novaflow process: `novaflow install`, pid {os.getpid()};"
    with pytest.raises(StackBusy, match=user):
        StackLock(path, "up")
    lock.release()


def test_a_holder_without_a_name_is_respected(path: Path) -> None:
    """The lock is taken before the holder writes its command."""
    lock = StackLock(path, "install")
    os.ftruncate(lock.descriptor, 0)
    with pytest.raises(StackBusy, match="its command is not known yet"):
        StackLock(path, "up")
    lock.release()


def test_a_check_does_not_take_the_lock(path: Path) -> None:
    """Concurrent checks never make another process find the lock held."""
    StackLock(path, "run").release()
    enough = Event()

    def look() -> None:
        while not enough.is_set():
            is_locked(path)

    looking = Thread(target=look)
    looking.start()
    try:
        for _ in range(200):
            StackLock(path, "run").release()
    finally:
        enough.set()
        looking.join()


def test_a_child_inherits_the_lock(path: Path, tmp_path: Path) -> None:
    """The lock outlives the process that took it, until the child that inherited it exits."""
    code = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from novaflow.adapters.storage import StackLock
StackLock.inherited(int(sys.argv[1]), "supervise")
print("ready", flush=True)
open(sys.argv[3] + "/leave").read()
"""
    os.mkfifo(tmp_path / "leave")
    lock = StackLock(path, "run")
    argv = (sys.executable, "-c", code, str(lock.descriptor), Path(__file__).parents[3], tmp_path)
    child = start_detached(argv, output=tmp_path / "output", keep=[lock.descriptor])
    lock.release()
    leave = (tmp_path / "leave").open("w")  # opens when the child opens it
    with pytest.raises(StackBusy, match=f"`novaflow supervise`, pid {child.pid}"):
        StackLock(path, "up")
    leave.close()
    assert child.wait(WITHIN_S) == 0
    assert not is_locked(path)


def test_programs_of_the_child_do_not_inherit_the_lock(path: Path) -> None:
    """A service that outlives its supervisor must not hold the lock."""
    first = StackLock(path, "run")
    os.set_inheritable(first.descriptor, True)  # noqa: FBT003 - it takes no keyword
    assert not os.get_inheritable(StackLock.inherited(first.descriptor, "supervise").descriptor)
    first.release()


def test_a_write_error_names_the_file(tmp_path: Path) -> None:
    """The reason is that of the system."""
    (tmp_path / "nova").write_text("a file")
    with pytest.raises(MachineError, match=r"cannot write .*stack\.lock: file exists"):
        StackLock(tmp_path / "nova/run/stack.lock", "run")
