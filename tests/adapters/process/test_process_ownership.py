"""Who owns which process, and how what is left of an owner ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import psutil
import pytest

from novaflow.adapters.process.process_ownership import ProcessOwner, end_processes, find_leader, find_processes
from novaflow.model.paths import Paths
from tests.support.programs import WITHIN_S, is_running, python

SLEEP = python("import time; print('up', flush=True); time.sleep(60)")
DEAF = python("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)")


@asynccontextmanager
async def started(owner: ProcessOwner, argv: tuple[object, ...] = SLEEP, *, marked: bool = True) -> AsyncIterator[psutil.Process]:
    """Run a program that nobody stops but the test."""
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


async def test_a_node_owns_what_carries_its_marker(owner: ProcessOwner) -> None:
    """And so does its stack; another node of the stack does not."""
    async with started(owner) as process:
        assert find_processes(owner) == (process,)
        assert find_processes(ProcessOwner(owner.paths)) == (process,)
        assert find_processes(ProcessOwner(owner.paths, "web2")) == ()
        assert find_processes(ProcessOwner(owner.paths, "we")) == ()


async def test_a_stack_owns_nothing_of_its_neighbour(owner: ProcessOwner) -> None:
    """Also where the neighbour's folder begins like its own."""
    neighbour = ProcessOwner(Paths(owner.paths.root.with_name("nova2")), "web")
    async with started(neighbour) as process:
        assert find_processes(ProcessOwner(owner.paths)) == ()
        assert find_processes(ProcessOwner(neighbour.paths)) == (process,)


async def test_a_noted_session_is_owned_until_it_is_forgotten(owner: ProcessOwner) -> None:
    """Without any marker."""
    async with started(owner, marked=False) as process:
        assert find_processes(owner) == ()
        owner.note(process.pid)
        assert find_processes(owner) == find_processes(ProcessOwner(owner.paths)) == (process,)
        owner.forget()
        assert find_processes(owner) == ()


async def test_what_nobody_has_buried_yet_is_not_owned(owner: ProcessOwner) -> None:
    """A zombie holds nothing and cannot be ended; init buries it in its own time."""
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


async def test_a_session_whose_number_was_given_away_again_is_not_owned(owner: ProcessOwner) -> None:
    """A note of yesterday must not end the innocent of today."""
    async with started(owner, marked=False) as process:
        owner.note(process.pid)
        (note,) = (owner.paths.run / "pids").iterdir()
        pid, ticks, boot_id = note.read_text().split()
        note.write_text(f"{pid} {int(ticks) - 1} {boot_id}\n")
        assert find_processes(owner) == ()


async def test_a_session_of_an_earlier_boot_is_not_owned(owner: ProcessOwner) -> None:
    """After a reboot a process with the recorded number and start time is another one."""
    async with started(owner, marked=False) as process:
        owner.note(process.pid)
        assert find_leader(owner) == process.pid
        (note,) = (owner.paths.run / "pids").iterdir()
        pid, ticks, _ = note.read_text().split()
        note.write_text(f"{pid} {ticks} 00000000-0000-0000-0000-000000000000\n")
        assert find_processes(owner) == ()
        assert find_leader(owner) is None


@pytest.mark.parametrize("content", ["", "4711", "4711 soon boot", "1 2 3 4"])
def test_a_spoilt_note_is_passed_over(owner: ProcessOwner, content: str) -> None:
    """Its writer was killed in the middle: what it noted is found by its marker."""
    (owner.paths.run / "pids").mkdir()
    (owner.paths.run / "pids/web.pid").write_text(content)
    assert owner.leaders() == []
    assert find_processes(ProcessOwner(owner.paths)) == ()


def test_nothing_is_noted_of_the_dead(owner: ProcessOwner) -> None:
    """A program may be gone before it is noted; forgetting what was never noted is no error."""
    owner.note(2**22 + 1)  # more than there can be. Source: proc_sys_kernel(5), pid_max
    owner.forget()
    assert owner.leaders() == []


async def test_processes_are_asked_first(owner: ProcessOwner) -> None:
    """Who heeds SIGTERM is not killed."""
    async with started(owner) as process:
        await end_processes((process,), grace_s=WITHIN_S)
        assert not is_running(process.pid)


async def test_who_does_not_listen_is_killed(owner: ProcessOwner) -> None:
    """After the grace."""
    async with started(owner, DEAF) as process:
        await end_processes((process,), grace_s=0.05)
        assert not is_running(process.pid)


async def test_without_grace_nobody_is_asked(owner: ProcessOwner) -> None:
    """What a node left behind was asked already."""
    async with started(owner) as process:
        await end_processes((process,), grace_s=0)
        assert not is_running(process.pid)


async def test_ending_nobody_takes_no_time(owner: ProcessOwner) -> None:
    """Neither do the dead."""
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


async def test_without_marker_and_note_its_place_and_its_libraries_tell(owner: ProcessOwner, tmp_path: Path) -> None:
    """What works in the folder of sockets with a library of the stack's environment is the stack's; either alone is a user's."""
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
