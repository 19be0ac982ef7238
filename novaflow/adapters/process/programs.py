"""Starts programs and never leaves one behind."""

import asyncio  # noqa: TID251 - the one thing anyio has no word for
import os
import signal
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen  # noqa: TID251 - the one room where programs are started
from typing import TypeVar

import anyio
import structlog
from anyio.abc import ByteSendStream, Process

from novaflow.adapters.process.process_ownership import KILL_WITHIN_S, ProcessOwner, end_processes, find_processes

LAST_WORDS_S = 1.0  # for what is in a pipe; it ends with its last writer, unless somebody got away with it

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Command:
    """A program and how it is run: ``env`` is its whole environment but for the owner's marker, ``output`` is appended to."""

    argv: Sequence[str | Path]
    env: Mapping[str, str]
    cwd: Path
    output: Path
    grace_s: float


@asynccontextmanager
async def running(owner: ProcessOwner, command: Command) -> AsyncIterator[Process]:
    """Run a program as long as the block lasts, in a session of its own; when the block ends, nothing of the owner is left.

    Raises: OSError, if it cannot be started.
    """
    with command.output.open("ab") as sink:
        process = await anyio.open_process(
            _words(command.argv),
            stdin=DEVNULL,
            stdout=sink,
            stderr=sink,
            env={**command.env, **owner.marker},
            cwd=command.cwd,
            start_new_session=True,
        )
    try:
        owner.note(process.pid)
        yield process
    finally:
        await _end_all(owner, process, command.grace_s)
        owner.forget()


async def run_to_end(owner: ProcessOwner, command: Command, *, stdin: bytes, on_line: Callable[[str], None]) -> tuple[int, str]:
    """Run a program to its end; return its exit code and what it printed on standard output.

    All it prints goes to its output file, and to ``on_line`` line by line. If it cannot go on, nothing of the owner is left.

    Raises: OSError, if it cannot be started.
    """
    printed: list[bytes] = []

    async def follow(stream: AsyncIterable[bytes], keep: Callable[[bytes], None]) -> None:
        rest = b""
        async for chunk in stream:
            sink.write(chunk)
            keep(chunk)
            *lines, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
            for line in lines:
                on_line(line.decode(errors="replace"))
        if rest:
            on_line(rest.decode(errors="replace"))

    with command.output.open("ab", buffering=0) as sink:
        process = await anyio.open_process(
            _words(command.argv),
            stdin=PIPE if stdin else DEVNULL,
            env={**command.env, **owner.marker},
            cwd=command.cwd,
            start_new_session=True,
        )
        try:
            async with anyio.create_task_group() as readers:
                readers.start_soon(follow, _piped(process.stdout), printed.append)
                readers.start_soon(follow, _piped(process.stderr), lambda _: None)
                if stdin:
                    await _hand_over(_piped(process.stdin), stdin)
            code = await process.wait()
        except BaseException:
            await _end_while_it_talks(owner, process, sink.write, command.grace_s)
            raise
    return code, b"".join(printed).decode(errors="replace")


@contextmanager
def watching_without_threads() -> Iterator[None]:
    """Have the kernel tell of a child's end, where Python before 3.12 would keep a thread waiting for each of them.

    A supervisor of twenty services would hold twenty. Belongs inside the event loop.
    """
    if sys.version_info >= (3, 12):
        yield
        return
    watcher = asyncio.PidfdChildWatcher()
    watcher.attach_loop(asyncio.get_running_loop())
    asyncio.set_child_watcher(watcher)
    try:
        yield
    finally:
        asyncio.set_child_watcher(None)  # type: ignore[arg-type]  # typeshed does not know; and the next loop begins with Python's own


def start_detached(argv: Sequence[str | Path], *, output: Path, keep: Sequence[int]) -> Popen[bytes]:
    """Start a program that outlives us, in a session of its own; it inherits the descriptors ``keep``.

    anyio's own process would be killed when the event loop closes.
    """
    with output.open("ab") as sink:
        return Popen(  # noqa: S603 - our own words
            _words(argv), stdin=DEVNULL, stdout=sink, stderr=sink, start_new_session=True, pass_fds=tuple(keep)
        )


def _words(argv: Sequence[str | Path]) -> list[str]:
    return [str(word) for word in argv]


def _piped(stream: T | None) -> T:
    assert stream is not None  # noqa: S101 - for the type checker: anyio makes a pipe where nothing else is asked for
    return stream


async def _hand_over(target: ByteSendStream, content: bytes) -> None:
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):  # it need not read all of it
        await target.send(content)
    await target.aclose()


async def _end_while_it_talks(owner: ProcessOwner, process: Process, write: Callable[[bytes], object], grace_s: float) -> None:
    """End the program and take what it still says: one whose output nobody reads would be stuck in the middle of its farewell."""

    async def drain(stream: AsyncIterable[bytes]) -> None:
        async for chunk in stream:
            write(chunk)

    with anyio.CancelScope(shield=True):
        async with anyio.create_task_group() as readers:
            readers.start_soon(drain, _piped(process.stdout))
            readers.start_soon(drain, _piped(process.stderr))
            await _end_all(owner, process, grace_s)
            readers.cancel_scope.deadline = anyio.current_time() + LAST_WORDS_S


async def _end_all(owner: ProcessOwner, process: Process, grace_s: float) -> None:
    with anyio.CancelScope(shield=True):
        await _stop(process, grace_s)
        await end_processes(find_processes(owner), grace_s=0)


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
