"""Finds the processes that belong to a node or to a whole stack, and ends them."""

import os
import resource
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
import psutil

from novaflow.model.paths import Paths

KILL_WITHIN_S = 5.0  # after SIGKILL only a process stuck in the kernel is still there
_MARKER = "NOVAFLOW_NODE"


@dataclass(frozen=True, slots=True)
class ProcessOwner:
    """A node of a stack, or the stack as a whole where ``node`` is ``None``.

    What it starts carries a marker in its environment, and the session it was started in is noted in the stack's
    folder: a program that writes its own title over the one is found by the other, one that leaves the session by the first.
    If the notes are gone as well, what works in the stack's folder of sockets with the stack's own Python is the stack's.
    """

    paths: Paths
    node: str | None = None

    @property
    def marker(self) -> Mapping[str, str]:
        """Return what goes into the environment of everything the node starts."""
        return {_MARKER: f"{self.paths.root}:{self.node}"}

    def note(self, pid: int) -> None:
        """Write down the process that leads the node's session; nothing, if it has gone already."""
        self._note.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError, ProcessLookupError):
            self._note.write_text(f"{pid} {_read_stat(pid)[1]}\n")

    def forget(self) -> None:
        """Forget the session: nothing of it is left."""
        self._note.unlink(missing_ok=True)

    def sessions(self) -> Mapping[int, int]:
        """Return the noted sessions, and when each one's leader was started, in clock ticks after boot."""
        notes = [self._note] if self.node else [*self._note.parent.glob("*.pid")]
        return dict(session for note in notes for session in _read_note(note))

    def helper(self) -> "ProcessOwner":
        """Return the owner of programs that run beside the node's own, and can be ended without it."""
        return ProcessOwner(self.paths, f"{self.node}+")

    @property
    def _note(self) -> Path:
        return self.paths.run / "pids" / f"{self.node}.pid"


def find_processes(owner: ProcessOwner) -> tuple[psutil.Process, ...]:
    """Return everything that runs for the owner; never ourselves, nor what is dead and not buried."""
    sessions = owner.sessions()
    wanted = f"{_MARKER}={owner.paths.root}:{owner.node or ''}".encode()
    whole = owner.node is not None
    others = (pid for pid in psutil.pids() if pid != os.getpid())
    return tuple(
        _existing(
            pid
            for pid in others
            if _is_in(pid, sessions) or _is_marked(pid, wanted, whole=whole) or (not whole and _is_at_work(pid, owner.paths))
        )
    )


async def end_processes(processes: Sequence[psutil.Process], *, grace_s: float) -> None:
    """Ask the processes to end, then make them; psutil compares start times, so a reused pid is never hit."""
    for number, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, KILL_WITHIN_S)):
        alive = [process for process in processes if _is_alive(process)]
        if not alive or not patience_s:
            continue
        for process in alive:
            with suppress(psutil.Error):
                process.send_signal(number)
        with anyio.move_on_after(patience_s):
            await _wait_gone(alive)


def describe_process(process: psutil.Process) -> str:
    """Return the words a process runs with, as far as they fit on a line; nothing, if it has gone."""
    with suppress(psutil.Error):
        return " ".join(process.cmdline())[:80]
    return ""


def used_processor_s() -> float:
    """Return the processor seconds used so far by this process and everything it started, dead or alive."""
    buried = resource.getrusage(resource.RUSAGE_CHILDREN)
    ours = resource.getrusage(resource.RUSAGE_SELF)
    used_s = buried.ru_utime + buried.ru_stime + ours.ru_utime + ours.ru_stime
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            used_s += sum(process.cpu_times()[:4])  # its own, and that of the children it has buried
    return used_s


async def _wait_gone(processes: Sequence[psutil.Process]) -> None:
    # They are nobody's children here, so nothing but looking tells.
    while any(_is_alive(process) for process in processes):  # noqa: ASYNC110
        await anyio.sleep(0.01)


def _is_in(pid: int, sessions: Mapping[int, int]) -> bool:
    """Return whether the process is in one of the sessions, and the session is still the one that was noted."""
    with suppress(OSError):
        session, started = _read_stat(pid)
        # A session's number is given away again only when the session is empty, and then to something younger.
        return session in sessions and (started == sessions[session] if pid == session else started >= sessions[session])
    return False


def _is_marked(pid: int, wanted: bytes, *, whole: bool) -> bool:
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # gone, or somebody else's
        return False
    return any(entry == wanted if whole else entry.startswith(wanted) for entry in entries)


def _is_at_work(pid: int, paths: Paths) -> bool:
    """Return whether a process works where the stack's services do, and with libraries of the stack's own.

    Neither alone: a user's shell may stand in that folder, and a user's client run in that environment.
    """
    with suppress(OSError):
        if Path(f"/proc/{pid}/cwd").readlink() == paths.run:
            return f" {paths.venv}/".encode() in Path(f"/proc/{pid}/maps").read_bytes()
    return False


def _read_stat(pid: int) -> tuple[int, int]:
    """Return the process's session and start, in clock ticks after boot. Source: proc_pid_stat(5)."""
    # The name, in parentheses, may hold anything.
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(words[3]), int(words[19])


def _read_note(note: Path) -> Iterator[tuple[int, int]]:
    # Gone: the node was stopped this moment. Spoilt: its writer was killed in the middle, or the disk was full.
    with suppress(FileNotFoundError, ValueError):
        pid, started = note.read_text().split()
        yield int(pid), int(started)


def _existing(pids: Iterator[int]) -> Iterator[psutil.Process]:
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            if _is_alive(process):
                yield process


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
