"""Starts programs and ends them with all their descendants."""

import asyncio  # noqa: TID251 - anyio has no interface for child watchers
import errno
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen  # noqa: TID251 - the one module that starts programs
from typing import Any, TypeVar

import anyio
import structlog
from anyio.abc import ByteSendStream, Process

from novaflow.adapters.process.forking import ForkedProcess, fork_process
from novaflow.adapters.process.output import Tail, read_lines, tolerant_writer
from novaflow.adapters.process.process_ownership import KILL_WITHIN_S, ProcessOwner, end_group, end_processes, find_leader, find_processes
from novaflow.adapters.process.running_process import AdoptedProcess, RunningProcess
from novaflow.settings import open_log

DRAIN_S = 1.0  # for the rest in a pipe, which ends with its last writer
KEPT_OUTPUT = 8 << 20  # bytes of standard output that `run_to_end` returns by default; the longest answer of a program is 1 MiB

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Command:
    """A program and how it runs: ``env`` is its whole environment without the owner's marker; ``output`` is appended to.

    The fork server at the socket ``fork_server`` starts it, if it runs and accepts the program.
    """

    argv: Sequence[str | Path]
    env: Mapping[str, str]
    cwd: Path
    output: Path
    grace_s: float
    fork_server: Path | None = None


@asynccontextmanager
async def running(owner: ProcessOwner, command: Command) -> AsyncIterator[RunningProcess]:
    """Run a program for the duration of the block, in its own session and cgroup; afterwards no process of the owner is left.

    What a program of the owner has left, whose supervisor was killed, is ended first: it may hold a port or a lock.

    Raises: OSError, if it cannot be started.
    """
    if owner.leaders() or ((cgroup := owner.cgroup) and any(cgroup.pids())):
        await _end_remaining(owner)
    async with AsyncExitStack() as stack:
        with _open_log(command.output) as output:
            forked = await _fork(owner, command, output)
            if forked:
                stack.push_async_callback(forked.aclose)
            process = forked.process if forked else await _start_alone(owner, command, output)
        stack.push_async_callback(_end_all, owner, process, command.grace_s)
        _record(owner, process.pid)
        if forked:
            await _start_forked(owner, forked)
        yield process


async def _fork(owner: ProcessOwner, command: Command, output: FileIO) -> ForkedProcess | None:
    if command.fork_server is None:
        return None
    program = {"argv": _words(command.argv), "env": {**command.env, **owner.marker}, "cwd": str(command.cwd)}
    return await fork_process(command.fork_server, program, output)


async def _start_forked(owner: ProcessOwner, forked: ForkedProcess) -> None:
    if cgroup := owner.cgroup:
        cgroup.create()
        cgroup.add(forked.process.pid)
    await forked.start()


async def _start_alone(owner: ProcessOwner, command: Command, output: FileIO) -> Process:
    argv = _words(command.argv)
    if cgroup := owner.cgroup:
        _require_executable(argv[0], command.env)
        cgroup.create()
        argv = cgroup.wrap(argv)
    return await _open(argv, stdin=DEVNULL, stdout=output, stderr=output, env={**command.env, **owner.marker}, cwd=command.cwd)


async def _open(argv: Sequence[str], **options: Any) -> Process:
    """Start a program in its own session; a cancellation waits until it is started, so that the caller can end it."""
    with anyio.CancelScope(shield=True):
        process = await anyio.open_process(argv, start_new_session=True, **options)
    return process  # noqa: RET504 - for mypy, which takes the scope for one that may end early


@asynccontextmanager
async def adopting(owner: ProcessOwner, grace_s: float) -> AsyncIterator[AdoptedProcess | None]:
    """Adopt the owner's running program for the duration of the block; yield ``None`` if it does not run.

    The program ends as in ``running``.
    """
    process = _adopt(owner)
    try:
        yield process
    finally:
        if process is not None:
            await _end_all(owner, process, grace_s)
            process.close()


def _record(owner: ProcessOwner, pid: int) -> None:
    """Record the leader; where the disk is full, the program runs without a record, and is found by its other traces."""
    try:
        owner.note(pid)
    except OSError as error:
        log.warning("process.not_recorded", node=owner.node, pid=pid, reason=str(error))


def _adopt(owner: ProcessOwner) -> AdoptedProcess | None:
    with suppress(ProcessLookupError):
        if pid := find_leader(owner):
            return AdoptedProcess(pid)
    return None


async def run_to_end(
    owner: ProcessOwner, command: Command, *, stdin: bytes, on_line: Callable[[str], None], kept: int = KEPT_OUTPUT
) -> tuple[int, str]:
    """Run a program to its end; return its exit code and the end of its standard output, at most ``kept`` bytes.

    All output goes to the output file, unless the disk is full, and line by line to ``on_line``. If the call is cancelled, no
    process of the owner is left.

    Raises: OSError, if it cannot be started.
    """
    printed = Tail(kept)
    with _open_log(command.output) as output:
        write = tolerant_writer(output)
        process = await _open(_words(command.argv), stdin=PIPE if stdin else DEVNULL, env={**command.env, **owner.marker}, cwd=command.cwd)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(read_lines, _piped(process.stderr), (write,), on_line)
                if stdin:
                    tasks.start_soon(_send, _piped(process.stdin), stdin)
                await read_lines(_piped(process.stdout), (write, printed.append), on_line)
            code = await process.wait()
        except BaseException:
            await _end_and_drain(owner, process, write, command.grace_s)
            raise
    return code, printed.text


@contextmanager
def watching_without_threads() -> Iterator[None]:
    """Learn about exits from the kernel's pidfds, where Python before 3.12 starts a thread for each child.

    A supervisor of twenty services would have twenty threads. Must be used inside the event loop.
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
        asyncio.set_child_watcher(None)  # type: ignore[arg-type]  # missing in typeshed; the next loop uses the default again


def start_detached(argv: Sequence[str | Path], *, output: Path, keep: Sequence[int]) -> Popen[bytes]:
    """Start a program that outlives this process, in its own session; it inherits the descriptors ``keep``.

    anyio's processes are killed when the event loop closes.
    """
    with _open_log(output) as sink:
        return Popen(  # noqa: S603 - the arguments are ours
            _words(argv), stdin=DEVNULL, stdout=sink, stderr=sink, start_new_session=True, pass_fds=tuple(keep)
        )


def _open_log(path: Path) -> FileIO:
    return open(path, "ab", buffering=0, opener=open_log)


def _require_executable(program: str, env: Mapping[str, str]) -> None:
    """Raise the error that the kernel would raise, where a shell starts the program and would only exit with 127."""
    if shutil.which(program, path=env.get("PATH", os.defpath)) is None:
        number = errno.EACCES if Path(program).exists() else errno.ENOENT
        raise OSError(number, os.strerror(number), program)


def _words(argv: Sequence[str | Path]) -> list[str]:
    return [str(word) for word in argv]


def _piped(stream: T | None) -> T:
    assert stream is not None  # noqa: S101 - for the type checker: anyio creates a pipe by default
    return stream


async def _send(target: ByteSendStream, content: bytes) -> None:
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):  # the program need not read all of it
        await target.send(content)
    await target.aclose()


async def _end_and_drain(owner: ProcessOwner, process: Process, write: Callable[[bytes], object], grace_s: float) -> None:
    """End the program while its output is read: a full pipe would block it in the middle of its own clean-up."""

    async def drain(stream: AsyncIterable[bytes]) -> None:
        async for chunk in stream:
            write(chunk)

    with anyio.CancelScope(shield=True):
        async with anyio.create_task_group() as readers:
            readers.start_soon(drain, _piped(process.stdout))
            readers.start_soon(drain, _piped(process.stderr))
            await _end_all(owner, process, grace_s)
            readers.cancel_scope.deadline = anyio.current_time() + DRAIN_S


async def _end_all(owner: ProcessOwner, process: RunningProcess, grace_s: float) -> None:
    with anyio.CancelScope(shield=True):
        await _stop(process, grace_s)
        await _end_remaining(owner)


async def _end_remaining(owner: ProcessOwner) -> None:
    if cgroup := owner.cgroup:
        await end_group(cgroup)
    await end_processes(find_processes(owner), grace_s=0)
    if cgroup:
        cgroup.remove()
    owner.forget()


async def _stop(process: RunningProcess, grace_s: float) -> None:
    _signal_group(process.pid, signal.SIGTERM)
    _signal_group(process.pid, signal.SIGCONT)  # a suspended process does not handle SIGTERM
    with anyio.move_on_after(grace_s) as grace:
        await process.wait()
    if grace.cancelled_caught:
        log.warning("process.stop_escalated", pid=process.pid, grace_s=grace_s)
    # Also if the leader has exited: its children are in the same group.
    _signal_group(process.pid, signal.SIGKILL)
    with anyio.move_on_after(KILL_WITHIN_S):
        await process.wait()


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)
