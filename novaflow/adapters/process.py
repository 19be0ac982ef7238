"""Starts programs and never leaves one behind."""

import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, Popen

import anyio
import psutil
import structlog
from anyio.abc import ByteReceiveStream, Process

log = structlog.get_logger()

MARKER = "NOVAFLOW_NODE"  # in the environment of everything a node starts: "<stack's folder>:<node>"
KILL_WITHIN_S = 5.0  # after SIGKILL only a process stuck in the kernel is still there


@asynccontextmanager
async def running(argv: Sequence[str | Path], *, env: Mapping[str, str], output: Path, grace_s: float) -> AsyncIterator[Process]:
    """Run a program as long as the block lasts, in a session of its own, its output appended to ``output``.

    ``env`` is the whole environment and holds ``MARKER``. When the block ends, neither the program nor anything that
    carries its marker is left.

    Raises: OSError, if it cannot be started.
    """
    with output.open("ab") as sink:
        process = await anyio.open_process(_words(argv), stdin=DEVNULL, stdout=sink, stderr=sink, env=env, start_new_session=True)
    try:
        yield process
    finally:
        with anyio.CancelScope(shield=True):
            await _stop(process, grace_s)
            await end_marked(env[MARKER], grace_s=0)


async def run_to_end(
    argv: Sequence[str | Path], *, env: Mapping[str, str], output: Path, stdin: bytes, on_line: Callable[[str], None], grace_s: float
) -> tuple[int, str]:
    """Run a program to its end; return its exit code and what it printed on standard output.

    All it prints goes to ``output``, and to ``on_line`` line by line.

    Raises: OSError, if it cannot be started.
    """
    process = await anyio.open_process(_words(argv), env=env, start_new_session=True)
    printed: list[bytes] = []

    async def follow(stream: ByteReceiveStream, keep: Callable[[bytes], None]) -> None:
        rest = b""
        async for chunk in stream:
            sink.write(chunk)
            keep(chunk)
            *lines, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
            for line in lines:
                on_line(line.decode(errors="replace"))

    try:
        with output.open("ab", buffering=0) as sink:
            async with anyio.create_task_group() as readers:
                readers.start_soon(follow, process.stdout, printed.append)
                readers.start_soon(follow, process.stderr, lambda _: None)
                with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):  # it need not read all of it
                    await process.stdin.send(stdin)
                await process.stdin.aclose()
            await process.wait()
    finally:
        if process.returncode is None:
            with anyio.CancelScope(shield=True):
                await _stop(process, grace_s)
                await end_marked(env[MARKER], grace_s=0)
    return process.returncode, b"".join(printed).decode(errors="replace")


def start_detached(argv: Sequence[str | Path], *, output: Path, keep: Sequence[int]) -> Popen[bytes]:
    """Start a program that outlives us, in a session of its own; it inherits the descriptors ``keep``.

    anyio's own process would be killed when the event loop closes.
    """
    with output.open("ab") as sink:
        return Popen(_words(argv), stdin=DEVNULL, stdout=sink, stderr=sink, start_new_session=True, pass_fds=tuple(keep))


def _words(argv: Sequence[str | Path]) -> list[str]:
    return [str(word) for word in argv]


async def _stop(process: Process, grace_s: float) -> None:
    _signal_group(process.pid, signal.SIGTERM)
    with anyio.move_on_after(grace_s):
        await process.wait()
    if process.returncode is None:
        log.warning("process.stop_escalated", pid=process.pid, grace_s=grace_s)
    # Again even if the leader left: its children share the group.
    _signal_group(process.pid, signal.SIGKILL)
    with anyio.move_on_after(KILL_WITHIN_S):
        await process.wait()


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


async def end_marked(marker: str, *, grace_s: float) -> tuple[int, ...]:
    """End every process that carries ``marker``, or for a stack's folder any of its nodes'; return their process ids.

    This finds what left its process group with ``setsid``, and what a crashed supervisor left behind.
    """
    found = find_marked(marker)
    await end_processes(found, grace_s=grace_s)
    return tuple(process.pid for process in found)


def find_marked(marker: str) -> tuple[psutil.Process, ...]:
    """Return the processes whose marker is ``marker`` or begins with ``marker`` and a colon; never ourselves."""
    return tuple(process for process in psutil.process_iter() if process.pid != os.getpid() and _is_marked(process.pid, marker))


def _is_marked(pid: int, marker: str) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # gone, or somebody else's
        return False
    wanted = f"{MARKER}={marker}".encode()
    return any(entry == wanted or entry.startswith(wanted + b":") for entry in environment.split(b"\0"))


async def end_processes(processes: Sequence[psutil.Process], *, grace_s: float) -> None:
    """Ask the processes to end, then make them; psutil compares start times, so a reused pid is never hit."""
    if not processes:
        return
    for number, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, KILL_WITHIN_S)):
        if patience_s:
            for process in processes:
                with suppress(psutil.Error):
                    process.send_signal(number)
        with anyio.move_on_after(patience_s):
            while any(_is_alive(process) for process in processes):
                await anyio.sleep(0.01)


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
