"""Programs: started, ended, and never left behind."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import psutil
import pytest
from structlog.testing import capture_logs

from novaflow.adapters.process.process_ownership import ProcessOwner, find_processes
from novaflow.adapters.process.programs import Command, run_to_end, running, start_detached
from novaflow.model.paths import Paths
from tests.support.programs import WITHIN_S, is_running, python, shell, wait_for_text, wait_until

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
POLITE = f"import os, signal, sys; signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b'bye\\n'), sys.exit(0))); {SLEEP}"
ENV = {"PATH": "/usr/bin:/bin"}

# Starts a daemon as they come: a session of its own, its parent gone.
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
# setproctitle and many a server write their title over arguments and environment.
RENAMED = """
import ctypes, pathlib, time
start, end = (int(word) for word in pathlib.Path("/proc/self/stat").read_text().rpartition(")")[2].split()[47:49])
ctypes.memset(start, 0, end - start)
print("up", flush=True)
time.sleep(60)
"""


def command_of(paths: Paths, argv: tuple[str | Path, ...], *, grace_s: float = 5) -> Command:
    """Return how to run it: in the stack's folder, its output in ``log/web.log``."""
    return Command(argv, ENV, paths.run, paths.log / "web.log", grace_s)


@asynccontextmanager
async def up(owner: ProcessOwner, argv: tuple[str | Path, ...], *, grace_s: float = 5) -> AsyncIterator[int]:
    """Run the program, and begin the block when it has said that it is up."""
    with anyio.fail_after(WITHIN_S):
        async with running(owner, command_of(owner.paths, argv, grace_s=grace_s)) as process:
            await wait_for_text(owner.paths.log / "web.log", "up\n")
            yield process.pid


async def test_a_program_is_asked_to_end(owner: ProcessOwner) -> None:
    """SIGTERM comes first, and who heeds it may say goodbye."""
    with capture_logs() as logs:
        async with up(owner, python(POLITE)):
            pass
    assert (owner.paths.log / "web.log").read_text() == "up\nbye\n"
    assert logs == []


async def test_a_deaf_program_is_killed_after_its_grace(owner: ProcessOwner) -> None:
    """A program that ignores SIGTERM is gone when the block ends, and that is logged."""
    with capture_logs() as logs:
        async with up(owner, python(DEAF), grace_s=0.1) as pid:
            pass
    assert not is_running(pid)
    assert [entry["event"] for entry in logs] == ["process.stop_escalated"]


async def test_output_is_appended(owner: ProcessOwner) -> None:
    """What an earlier run wrote stays."""
    (owner.paths.log / "web.log").write_text("yesterday\n")
    async with up(owner, python("import sys; print('oops', file=sys.stderr); " + SLEEP)):
        pass
    assert (owner.paths.log / "web.log").read_text() == "yesterday\noops\nup\n"


async def test_children_end_with_their_parent(owner: ProcessOwner) -> None:
    """The whole group is signalled, deaf children too."""
    async with up(owner, shell("(trap '' TERM; sleep 60) & echo up; wait"), grace_s=0.1):
        assert len(find_processes(owner)) >= 2
    assert find_processes(owner) == ()


async def test_a_child_that_left_the_session_is_found(owner: ProcessOwner, tmp_path: Path) -> None:
    """A daemon with a session of its own carries the node's marker, and ends with the node."""
    away = tmp_path / "pid"
    async with up(owner, python(DAEMON, away)):
        await wait_until(lambda: away.exists() and away.read_text())
        daemon = int(away.read_text())
        assert is_running(daemon)
    assert not is_running(daemon)


async def test_a_program_that_overwrites_its_environment_is_found(owner: ProcessOwner) -> None:
    """Its session is noted, so the marker it wiped out is not needed."""
    async with up(owner, python(RENAMED)) as pid:
        assert psutil.Process(pid).environ() == {}
        assert [process.pid for process in find_processes(owner)] == [pid]
    assert not is_running(pid)


async def test_cancelled_in_the_middle_nothing_is_left(owner: ProcessOwner) -> None:
    """Whoever cancels a running service waits for its end, and it has ended."""
    with anyio.CancelScope() as scope:
        async with up(owner, python(POLITE)):
            scope.cancel()
            await anyio.sleep_forever()
    assert find_processes(owner) == ()
    assert (owner.paths.log / "web.log").read_text() == "up\nbye\n"


async def test_a_program_that_ends_at_once_is_no_trouble(owner: ProcessOwner) -> None:
    """It may be gone before it is looked at."""
    for _ in range(5):
        with anyio.fail_after(WITHIN_S):
            async with running(owner, command_of(owner.paths, ("true",))) as process:
                assert await process.wait() == 0


async def test_what_does_not_exist_cannot_be_started(owner: ProcessOwner) -> None:
    """The system's own error comes through, and nothing is noted."""
    with pytest.raises(FileNotFoundError):
        async with running(owner, command_of(owner.paths, ("/nowhere/web",))):
            raise AssertionError
    assert owner.leaders() == []


async def end(owner: ProcessOwner, argv: tuple[str | Path, ...], *, stdin: bytes = b"", grace_s: float = 5) -> tuple[int, str, list[str]]:
    """Run the program to its end; return its exit code, what it printed, and the lines that were seen on the way."""
    lines = list[str]()
    with anyio.fail_after(WITHIN_S):
        code, printed = await run_to_end(owner, command_of(owner.paths, argv, grace_s=grace_s), stdin=stdin, on_line=lines.append)
    return code, printed, lines


async def test_a_program_runs_to_its_end(owner: ProcessOwner) -> None:
    """Standard output comes back; both outputs are in the log, and were seen line by line, the unfinished last one too."""
    code, printed, lines = await end(owner, shell("echo one; echo two >&2; printf three; exit 7"))
    assert (code, printed) == (7, "one\nthree")
    assert sorted(lines) == ["one", "three", "two"]
    assert sorted((owner.paths.log / "web.log").read_text().replace("three", "three\n").split()) == ["one", "three", "two"]


async def test_progress_bars_are_lines(owner: ProcessOwner) -> None:
    """What is written over with a carriage return was a line as well."""
    assert (await end(owner, shell("printf '10 %%\\r20 %%\\n'")))[2] == ["10 %", "20 %"]


async def test_a_program_gets_its_input(owner: ProcessOwner) -> None:
    """Everything arrives, followed by its end."""
    assert (await end(owner, ("wc", "-c"), stdin=bytes(1 << 20)))[1].strip() == str(1 << 20)


async def test_a_program_need_not_read_its_input(owner: ProcessOwner) -> None:
    """Who leaves early has done nothing wrong."""
    assert (await end(owner, ("true",), stdin=bytes(1 << 20)))[0] == 0


async def test_a_cancelled_program_ends_politely(owner: ProcessOwner) -> None:
    """It gets its SIGTERM and its grace, as a service does."""
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(end, owner, python(POLITE))
            await wait_for_text(owner.paths.log / "web.log", "up\n")
            scope.cancel()
    assert find_processes(owner) == ()
    assert (owner.paths.log / "web.log").read_text() == "up\nbye\n"


async def test_a_cancelled_program_leaves_no_child_that_outlived_it(owner: ProcessOwner) -> None:
    """The program has ended, a child of it holds its output: cancelled now, the child ends too."""
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(end, owner, shell("setsid sleep 60 & echo up"), grace_s=0.1))
            await wait_for_text(owner.paths.log / "web.log", "up\n")
            await wait_until(lambda: [process.name() for process in find_processes(owner)] == ["sleep"])
            scope.cancel()
    assert find_processes(owner) == ()


async def test_a_listener_that_breaks_leaves_nothing_running(owner: ProcessOwner) -> None:
    """An error of whoever reads the lines ends the program and comes through."""

    def break_down(_: str) -> None:
        raise ZeroDivisionError

    with anyio.fail_after(WITHIN_S), pytest.RaisesGroup(ZeroDivisionError):
        await run_to_end(owner, command_of(owner.paths, python(SLEEP)), stdin=b"", on_line=break_down)
    assert find_processes(owner) == ()


def test_a_detached_program_outlives_its_starter(tmp_path: Path) -> None:
    """It has a session of its own, its output in a file, and inherits what it is told to."""
    with (tmp_path / "kept").open("w") as kept:
        program = start_detached(
            shell(f"ps -o sid= -p $$; echo kept > /proc/self/fd/{kept.fileno()}"), output=tmp_path / "output", keep=[kept.fileno()]
        )
    assert program.wait(WITHIN_S) == 0
    assert int((tmp_path / "output").read_text()) == program.pid
    assert (tmp_path / "kept").read_text() == "kept\n"


async def test_a_stopped_program_is_signalled_once_for_all(owner: ProcessOwner) -> None:
    """A program that is frozen cannot heed SIGTERM, and SIGKILL ends it all the same."""
    with capture_logs():
        async with up(owner, python(SLEEP), grace_s=0.1) as pid:
            psutil.Process(pid).send_signal(signal.SIGSTOP)
    assert not is_running(pid)
