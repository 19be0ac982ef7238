"""The stack's lock: one holder, known by name."""

import os
import sys
from pathlib import Path
from threading import Event, Thread

import pytest

from novaflow.adapters.process.programs import start_detached
from novaflow.adapters.storage.lock import StackLock, is_locked
from novaflow.errors import MachineError, StackBusy
from tests.support.programs import WITHIN_S


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the lock of a stack lies that does not exist yet."""
    return tmp_path / "nova/run/stack.lock"


def test_a_free_lock_is_taken_and_let_go(path: Path) -> None:
    """Its folders are made; after the release the next one may."""
    assert not is_locked(path)
    lock = StackLock(path, "install")
    assert is_locked(path)
    lock.release()
    assert not is_locked(path)
    StackLock(path, "run").release()


def test_the_second_is_refused_and_told_who_holds_it(path: Path) -> None:
    """The message names the stack, the command and the process."""
    lock = StackLock(path, "install")
    with pytest.raises(StackBusy, match=rf"at work on {path.parent.parent}: `novaflow install`, pid {os.getpid()}$"):
        StackLock(path, "up")
    lock.release()


def test_a_holder_that_has_not_signed_yet_is_respected(path: Path) -> None:
    """Between taking and signing lies a moment."""
    lock = StackLock(path, "install")
    os.ftruncate(lock.descriptor, 0)
    with pytest.raises(StackBusy, match="it has not said which"):
        StackLock(path, "up")
    lock.release()


def test_who_looks_is_in_nobodys_way(path: Path) -> None:
    """Asking whether it is held never makes anybody think that it is."""
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


def test_a_child_that_inherited_it_holds_it(path: Path, tmp_path: Path) -> None:
    """The lock outlives the process that took it, and ends with the one it was passed on to, which signs anew."""
    code = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from novaflow.adapters.storage.lock import StackLock
StackLock.inherited(int(sys.argv[1]), "supervise")
print("signed", flush=True)
open(sys.argv[3] + "/leave").read()
"""
    os.mkfifo(tmp_path / "leave")
    lock = StackLock(path, "run")
    argv = (sys.executable, "-c", code, str(lock.descriptor), Path(__file__).parents[3], tmp_path)
    child = start_detached(argv, output=tmp_path / "output", keep=[lock.descriptor])
    lock.release()
    leave = (tmp_path / "leave").open("w")  # opens when the child does
    with pytest.raises(StackBusy, match=f"`novaflow supervise`, pid {child.pid}"):
        StackLock(path, "up")
    leave.close()
    assert child.wait(WITHIN_S) == 0
    assert not is_locked(path)


def test_programs_a_later_holder_starts_do_not_inherit_it(path: Path) -> None:
    """A service that outlives its supervisor must not hold the stack."""
    first = StackLock(path, "run")
    os.set_inheritable(first.descriptor, True)  # noqa: FBT003 - it takes no keyword
    assert not os.get_inheritable(StackLock.inherited(first.descriptor, "supervise").descriptor)
    first.release()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The message says which file and why."""
    (tmp_path / "nova").write_text("a file")
    with pytest.raises(MachineError, match=r"cannot write .*stack\.lock: not a directory"):
        StackLock(tmp_path / "nova/run/stack.lock", "run")
