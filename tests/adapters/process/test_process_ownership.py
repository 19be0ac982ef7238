"""Finding and ending the processes of a node or a stack."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import psutil
import pytest

from novaflow.adapters.process import ProcessOwner, count_processes, end_processes, find_leader, find_processes
from novaflow.model.paths import Paths
from tests.support.programs import WITHIN_S, is_running, python

SLEEP = python("import time; print('up', flush=True); time.sleep(60)")
IGNORES_SIGTERM = python("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)")


@asynccontextmanager
async def started(owner: ProcessOwner, argv: tuple[object, ...] = SLEEP, *, marked: bool = True) -> AsyncIterator[psutil.Process]:
    """Run a program that only the test stops."""
    env = dict(owner.marker) if marked else {}
    with anyio.fail_after(WITHIN_S):
        process = await anyio.open_process([str(word) for word in argv], env=env, start_new_session=True)
        assert process.stdout is not None
        await process.stdout.receive()
        try:
            yield psutil.Process(process.pid)
        finally:
            with anyio.CancelScope(shield=True):
                if process.returncode is None:
                    process.kill()
                await process.aclose()


async def test_marked_processes_are_found(owner: ProcessOwner) -> None:
    """They belong to their node and to its stack, and to no other node."""
    async with started(owner) as process:
        assert find_processes(owner) == (process,)
        assert count_processes(owner) == 1  # it is in no cgroup of the node
        assert find_processes(ProcessOwner(owner.paths)) == (process,)
        assert find_processes(ProcessOwner(owner.paths, "web2")) == ()
        assert find_processes(ProcessOwner(owner.paths, "we")) == ()


async def test_another_stack_owns_its_own_processes(owner: ProcessOwner) -> None:
    """Also if the path of its folder begins with that of the other stack."""
    neighbour = ProcessOwner(Paths(owner.paths.root.with_name("nova2")), "web")
    async with started(neighbour) as process:
        assert find_processes(ProcessOwner(owner.paths)) == ()
        assert find_processes(ProcessOwner(neighbour.paths)) == (process,)


async def test_a_recorded_session_is_found_until_it_is_forgotten(owner: ProcessOwner) -> None:
    """A process without the marker is found by its session."""
    async with started(owner, marked=False) as process:
        assert find_processes(owner) == ()
        owner.note(process.pid)
        assert find_processes(owner) == find_processes(ProcessOwner(owner.paths)) == (process,)
        owner.forget()
        assert find_processes(owner) == ()


async def test_a_zombie_is_not_found(owner: ProcessOwner) -> None:
    """A zombie uses nothing and cannot be ended; its parent must reap it."""
    code = """
import os, time
child = os.fork() or os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
print('up', flush=True)
time.sleep(60) # and never waits for its child: who looks decides when it ends
"""
    async with started(owner, python(code), marked=False) as process:
        owner.note(process.pid)
        assert [child.status() for child in process.children()] == [psutil.STATUS_ZOMBIE]
        assert find_processes(owner) == (process,)


async def test_a_reused_session_id_is_not_found(owner: ProcessOwner) -> None:
    """A record must not lead to a younger process with the same id."""
    async with started(owner, marked=False) as process:
        owner.note(process.pid)
        (note,) = (owner.paths.run / "pids").iterdir()
        pid, ticks, boot_id = note.read_text().split()
        note.write_text(f"{pid} {int(ticks) - 1} {boot_id}\n")
        assert find_processes(owner) == ()


async def test_a_session_of_an_earlier_boot_is_not_found(owner: ProcessOwner) -> None:
    """After a reboot, a process with the recorded id and start time is another one."""
    async with started(owner, marked=False) as process:
        owner.note(process.pid)
        assert find_leader(owner) == process.pid
        (note,) = (owner.paths.run / "pids").iterdir()
        pid, ticks, _ = note.read_text().split()
        note.write_text(f"{pid} {ticks} 00000000-0000-0000-0000-000000000000\n")
        assert find_processes(owner) == ()
        assert find_leader(owner) is None


@pytest.mark.parametrize("content", ["", "4711", "4711 soon boot", "1 2 3 4"])
def test_a_damaged_record_is_ignored(owner: ProcessOwner, content: str) -> None:
    """Its writer was killed; the processes are found by their markers."""
    (owner.paths.run / "pids").mkdir()
    (owner.paths.run / "pids/web.pid").write_text(content)
    assert owner.leaders() == []
    assert find_processes(ProcessOwner(owner.paths)) == ()


def test_a_process_that_has_exited_is_not_recorded(owner: ProcessOwner) -> None:
    """A program may exit before it is recorded, and a missing record can be forgotten."""
    owner.note(2**22 + 1)  # greater than every process id. Source: proc_sys_kernel(5), pid_max
    owner.forget()
    assert owner.leaders() == []


async def test_sigterm_comes_first(owner: ProcessOwner) -> None:
    """A process that handles SIGTERM is not killed."""
    async with started(owner) as process:
        await end_processes((process,), grace_s=WITHIN_S)
        assert not is_running(process.pid)


async def test_sigkill_follows_after_the_grace(owner: ProcessOwner) -> None:
    """A process that ignores SIGTERM is killed."""
    async with started(owner, IGNORES_SIGTERM) as process:
        await end_processes((process,), grace_s=0.05)
        assert not is_running(process.pid)


async def test_without_grace_sigkill_comes_first(owner: ProcessOwner) -> None:
    """Processes that a node left are killed at once."""
    async with started(owner) as process:
        await end_processes((process,), grace_s=0)
        assert not is_running(process.pid)


async def test_ending_no_process_takes_no_time(owner: ProcessOwner) -> None:
    """Exited processes are not waited for."""
    async with started(owner) as process:
        await end_processes((process,), grace_s=0)
        with anyio.fail_after(1):
            await end_processes((process,), grace_s=60)
            await end_processes((), grace_s=60)


AT_WORK = """
import mmap, os, sys, time
os.chdir(sys.argv[1])
with open(sys.argv[2]) as library:
    mapped = mmap.mmap(library.fileno(), 0, prot=mmap.PROT_READ)
print("up", flush=True)
time.sleep(60)
"""


async def test_folder_and_libraries_reveal_a_process(owner: ProcessOwner, tmp_path: Path) -> None:
    """A process in the run folder with a library of the stack's environment is the stack's; one of the two is not enough."""
    library, foreign = owner.paths.venv / "lib/some.so", tmp_path / "other.so"
    library.parent.mkdir(parents=True)
    for path in (library, foreign):
        path.write_text("code")
    async with started(owner, python(AT_WORK, owner.paths.run, library), marked=False) as process:
        assert find_processes(ProcessOwner(owner.paths)) == (process,)
        assert find_processes(owner) == ()
    for place, mapped in ((owner.paths.run, foreign), (tmp_path, library)):
        async with started(owner, python(AT_WORK, place, mapped), marked=False):
            assert find_processes(ProcessOwner(owner.paths)) == ()
