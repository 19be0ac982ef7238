"""Starts programs and never leaves one behind."""

import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, Popen

import anyio
import structlog
from anyio.abc import ByteReceiveStream, Process

from novaflow.adapters.belongings import Owner, end_processes, find_processes

log = structlog.get_logger()

KILL_WITHIN_S = 5.0  # after SIGKILL only a process stuck in the kernel is still there


@asynccontextmanager
async def running(
    owner: Owner, argv: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, output: Path, grace_s: float
) -> AsyncIterator[Process]:
    """Run a program as long as the block lasts, in a session of its own, its output appended to ``output``.

    ``env`` is the whole environment but for the owner's marker. When the block ends, nothing of the owner is left.

    Raises: OSError, if it cannot be started.
    """
    with output.open("ab") as sink:
        process = await anyio.open_process(_words(argv), stdin=DEVNULL, stdout=sink, stderr=sink, env={**env, **owner.marker}, cwd=cwd, start_new_session=True)
    try:
        owner.note(process.pid)
        yield process
    finally:
        with anyio.CancelScope(shield=True):
            await _stop(process, grace_s)
            await end_processes(find_processes(owner), grace_s=0)
            owner.forget()


async def run_to_end(
    owner: Owner, argv: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, output: Path, stdin: bytes, on_line: Callable[[str], None], grace_s: float
) -> tuple[int, str]:
    """Run a program to its end; return its exit code and what it printed on standard output.

    All it prints goes to ``output``, and to ``on_line`` line by line.

    Raises: OSError, if it cannot be started.
    """
    process = await anyio.open_process(_words(argv), env={**env, **owner.marker}, cwd=cwd, start_new_session=True)
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
                await end_processes(find_processes(owner), grace_s=0)
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
