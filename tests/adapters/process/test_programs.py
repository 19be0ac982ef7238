"""Programs: started, ended with all their descendants, and followed to their end."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import psutil
import pytest
from structlog.testing import capture_logs

from novaflow.adapters.process import (
    Command,
    ProcessOwner,
    count_processes,
    find_processes,
    run_to_end,
    running,
    start_detached,
    watching_without_threads,
)
from novaflow.model.paths import Paths
from tests.support.programs import WITHIN_S, is_running, python, shell, wait_for_text, wait_until

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
IGNORES_SIGTERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
# It waits for the blocked signal: a handler that is called just before sleep() would not interrupt it.
CLEANS_UP = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("up", flush=True)
signal.sigwait({signal.SIGTERM})
print("bye", flush=True)
"""
ENV = {"PATH": "/usr/bin:/bin"}

# a daemon in a session of its own, whose parent has exited
DAEMON = f"""
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open(sys.argv[1], "w").write(str(os.getpid()))
        import time; time.sleep(60)
    os._exit(0)
os.wait()
{SLEEP}
"""
# setproctitle and several servers overwrite arguments and environment
RENAMED = """
import ctypes, pathlib, time
start, end = (int(word) for word in pathlib.Path("/proc/self/stat").read_text().rpartition(")")[2].split()[47:49])
ctypes.memset(start, 0, end - start)
print("up", flush=True)
time.sleep(60)
"""


def command_of(paths: Paths, argv: tuple[str | Path, ...], *, grace_s: float = 5) -> Command:
    """Return a command that runs in the stack's run folder and writes ``log/web.log``."""
    return Command(argv, ENV, paths.run, paths.log / "web.log", grace_s)


@asynccontextmanager
async def up(owner: ProcessOwner, argv: tuple[str | Path, ...], *, grace_s: float = 5) -> AsyncIterator[int]:
    """Run the program, and begin the block when it has printed ``up``."""
    with anyio.fail_after(WITHIN_S):
        async with running(owner, command_of(owner.paths, argv, grace_s=grace_s)) as process:
            await wait_for_text(owner.paths.log / "web.log", "up\n")
            yield process.pid


async def test_a_program_gets_sigterm_first(owner: ProcessOwner) -> None:
    """It may clean up before it exits."""
    with capture_logs() as logs:
        async with up(owner, python(CLEANS_UP)):
            pass
    assert (owner.paths.log / "web.log").read_text() == "up\nbye\n"
    assert logs == []


async def test_a_program_that_ignores_sigterm_is_killed(owner: ProcessOwner) -> None:
    """It has exited when the block ends, and the escalation is logged."""
    with capture_logs() as logs:
        async with up(owner, python(IGNORES_SIGTERM), grace_s=0.1) as pid:
            pass
    assert not is_running(pid)
    assert [entry["event"] for entry in logs] == ["process.stop_escalated"]


async def test_output_is_appended(owner: ProcessOwner) -> None:
    """The output of an earlier run is kept."""
    (owner.paths.log / "web.log").write_text("yesterday\n")
    async with up(owner, python("import sys; print('oops', file=sys.stderr); " + SLEEP)):
        pass
    assert (owner.paths.log / "web.log").read_text() == "yesterday\noops\nup\n"


async def test_children_end_with_their_parent(owner: ProcessOwner) -> None:
    """The whole process group is signalled and killed."""
    async with up(owner, shell("(trap '' TERM; sleep 60) & echo up; wait"), grace_s=0.1):
        assert len(find_processes(owner)) >= 2
    assert find_processes(owner) == ()


async def test_a_daemon_is_found(owner: ProcessOwner, tmp_path: Path) -> None:
    """A daemon with a session of its own carries the node's marker, and ends with the node."""
    away = tmp_path / "pid"
    async with up(owner, python(DAEMON, away)):
        await wait_until(lambda: away.exists() and away.read_text())
        daemon = int(away.read_text())
        assert is_running(daemon)
    assert not is_running(daemon)


async def test_a_program_that_overwrites_its_environment_is_found(owner: ProcessOwner) -> None:
    """It is found by its recorded session."""
    async with up(owner, python(RENAMED)) as pid:
        assert psutil.Process(pid).environ() == {}
        assert [process.pid for process in find_processes(owner)] == [pid]
    assert not is_running(pid)


async def test_a_cancelled_block_leaves_no_process(owner: ProcessOwner) -> None:
    """The end of the program is waited for."""
    with anyio.CancelScope() as scope:
        async with up(owner, python(CLEANS_UP)):
            scope.cancel()
            await anyio.sleep_forever()
    assert find_processes(owner) == ()
    assert (owner.paths.log / "web.log").read_text() == "up\nbye\n"


async def test_a_program_may_exit_at_once(owner: ProcessOwner) -> None:
    """It may exit before it is recorded."""
    for _ in range(5):
        with anyio.fail_after(WITHIN_S):
            async with running(owner, command_of(owner.paths, ("true",))) as process:
                assert await process.wait() == 0


async def test_a_missing_program_is_an_error(owner: ProcessOwner) -> None:
    """The error is that of the system, and nothing is recorded."""
    with pytest.raises(FileNotFoundError):
        async with running(owner, command_of(owner.paths, ("/nowhere/web",))):
            raise AssertionError
    assert owner.leaders() == []


async def end(owner: ProcessOwner, argv: tuple[str | Path, ...], *, stdin: bytes = b"", grace_s: float = 5) -> tuple[int, str, list[str]]:
    """Run the program to its end; return its exit code, its standard output and all lines."""
    lines = list[str]()
    with anyio.fail_after(WITHIN_S):
        code, printed = await run_to_end(owner, command_of(owner.paths, argv, grace_s=grace_s), stdin=stdin, on_line=lines.append)
    return code, printed, lines


async def test_a_program_runs_to_its_end(owner: ProcessOwner) -> None:
    """Standard output is returned; both outputs are in the log and were passed on line by line, with the incomplete last line."""
    code, printed, lines = await end(owner, shell("echo one; echo two >&2; printf three; exit 7"))
    assert (code, printed) == (7, "one\nthree")
    assert sorted(lines) == ["one", "three", "two"]
    assert sorted((owner.paths.log / "web.log").read_text().replace("three", "three\n").split()) == ["one", "three", "two"]


async def test_a_carriage_return_ends_a_line(owner: ProcessOwner) -> None:
    """Progress bars are lines."""
    assert (await end(owner, shell("printf '10 %%\\r20 %%\\n'")))[2] == ["10 %", "20 %"]


async def test_a_program_reads_its_input(owner: ProcessOwner) -> None:
    """All of it arrives, then its end."""
    assert (await end(owner, ("wc", "-c"), stdin=bytes(1 << 20)))[1].strip() == str(1 << 20)


async def test_a_program_may_ignore_its_input(owner: ProcessOwner) -> None:
    """A program that exits before it has read its input is no error."""
    assert (await end(owner, ("true",), stdin=bytes(1 << 20)))[0] == 0


async def test_a_cancelled_program_gets_sigterm(owner: ProcessOwner) -> None:
    """It has its grace like a service, and its output is read meanwhile."""
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(end, owner, python(CLEANS_UP))
            await wait_for_text(owner.paths.log / "web.log", "up\n")
            scope.cancel()
    assert find_processes(owner) == ()
    assert (owner.paths.log / "web.log").read_text() == "up\nbye\n"


async def test_a_cancelled_program_leaves_no_child(owner: ProcessOwner) -> None:
    """A child that outlives its parent and holds its output ends too."""
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(end, owner, shell("setsid sleep 60 & echo up"), grace_s=0.1))
            await wait_for_text(owner.paths.log / "web.log", "up\n")
            await wait_until(lambda: [process.name() for process in find_processes(owner)] == ["sleep"])
            scope.cancel()
    assert find_processes(owner) == ()


async def test_an_error_in_a_callback_ends_the_program(owner: ProcessOwner) -> None:
    """The error is raised, and no process is left."""

    def fail(_: str) -> None:
        raise ZeroDivisionError

    with anyio.fail_after(WITHIN_S), pytest.RaisesGroup(ZeroDivisionError):
        await run_to_end(owner, command_of(owner.paths, python(SLEEP)), stdin=b"", on_line=fail)
    assert find_processes(owner) == ()


def test_a_detached_program_outlives_its_parent(tmp_path: Path) -> None:
    """It has its own session, writes to a file, and inherits the given descriptors."""
    with (tmp_path / "kept").open("w") as kept:
        program = start_detached(
            shell(f"ps -o sid= -p $$; echo kept > /proc/self/fd/{kept.fileno()}"), output=tmp_path / "output", keep=[kept.fileno()]
        )
    assert program.wait(WITHIN_S) == 0
    assert int((tmp_path / "output").read_text()) == program.pid
    assert (tmp_path / "kept").read_text() == "kept\n"


async def test_a_suspended_program_is_ended(owner: ProcessOwner) -> None:
    """SIGKILL ends a program that is stopped by a signal."""
    with capture_logs():
        async with up(owner, python(SLEEP), grace_s=0.1) as pid:
            psutil.Process(pid).send_signal(signal.SIGSTOP)
    assert not is_running(pid)


@pytest.mark.parametrize("rounds", range(8))  # of the event loop: in some of them the program is being started
async def test_a_program_that_is_cancelled_at_its_start_is_waited_for(owner: ProcessOwner, rounds: int) -> None:
    """Its exit is noticed before the call returns: a warning of the event loop about a pending child would fail this test."""
    command = command_of(owner.paths, python(SLEEP))
    with watching_without_threads():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(run_to_end, owner, command, stdin=b"", on_line=print))
            for _ in range(rounds):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
    assert find_processes(owner) == ()


@pytest.mark.parametrize("rounds", range(8))
async def test_a_service_that_is_cancelled_at_its_start_is_waited_for(owner: ProcessOwner, rounds: int) -> None:
    """It is ended like one that has started."""

    async def run() -> None:
        async with running(owner, command_of(owner.paths, python(SLEEP))):
            await anyio.sleep_forever()

    with watching_without_threads():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            for _ in range(rounds):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
    assert find_processes(owner) == ()


async def test_the_processes_of_a_program_are_counted(paths: Paths, owner: ProcessOwner) -> None:
    """With those that it has started; those of other nodes and of its steps do not count."""
    command = command_of(paths, shell("sleep 60 & echo up; sleep 60"))
    async with running(owner, command), running(ProcessOwner(paths, "other"), command), running(owner.helper(), command):
        await wait_until(lambda: count_processes(owner) == 3)
        assert len(find_processes(owner)) == 3
    assert count_processes(owner) == 0
