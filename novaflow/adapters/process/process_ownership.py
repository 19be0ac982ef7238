"""Finds the processes that belong to a node or to a whole stack, and ends them."""

import os
import resource
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
import psutil

from novaflow.adapters.process.cgroups import Cgroup, find_base, find_stack_cgroup
from novaflow.model.paths import Paths
from novaflow.settings import refuse_links

KILL_WITHIN_S = 5.0  # after SIGKILL, only a process that is blocked in the kernel still exists
GROUP_WITHIN_S = 1.0  # the kernel kills a group within milliseconds
_MARKER = "NOVAFLOW_NODE"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Leader:
    """The process that leads the session of a node.

    The start time is in clock ticks after the boot that ``boot_id`` names: a process id alone identifies nothing.
    """

    pid: int
    started: int
    boot_id: str


@dataclass(frozen=True, slots=True)
class ProcessOwner:
    """A node of a stack, or the stack itself where ``node`` is ``None``.

    A process of a node is found by each of four traces: the cgroup it was started in, which it cannot leave; a marker in its
    environment; the session it was started in, which is recorded in the folder of the stack; and, if those are lost, a
    library of the stack's Python environment in a process that works in the stack's ``run`` folder.
    """

    paths: Paths
    node: str | None = None

    @property
    def marker(self) -> Mapping[str, str]:
        """Return the variable that marks the processes of the node."""
        return {_MARKER: f"{self.paths.root}:{self.node}"}

    @property
    def cgroup(self) -> Cgroup | None:
        """Return the cgroup of the owner; ``None`` if this machine does not allow one."""
        stack = find_stack_cgroup(self.paths.root, find_base())
        return Cgroup(stack.path / self.node) if stack and self.node else stack

    def note(self, pid: int) -> None:
        """Record the process that leads the node's session, unless it has exited already."""
        self._note.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError, ProcessLookupError):
            started = _read_stat(pid).started
            with open(self._note, "w", encoding="utf-8", opener=refuse_links) as note:
                note.write(f"{pid} {started} {read_boot_id()}\n")

    def forget(self) -> None:
        """Remove the record: no process of the session is left."""
        self._note.unlink(missing_ok=True)

    def leaders(self) -> Sequence[Leader]:
        """Return the recorded leaders of this boot."""
        notes = [self._note] if self.node else [*self._note.parent.glob("*.pid")]
        boot_id = read_boot_id()
        return [leader for note in notes for leader in _read_note(note) if leader.boot_id == boot_id]

    def helper(self) -> "ProcessOwner":
        """Return the owner of programs that run for the node and can be ended without it."""
        return ProcessOwner(self.paths, f"{self.node}+")

    @property
    def _note(self) -> Path:
        return self.paths.run / "pids" / f"{self.node}.pid"


def read_boot_id() -> str:
    """Return the id of this boot of the kernel. Source: proc_sys_kernel(5), random/boot_id."""
    return _BOOT_ID.read_text().strip()


def find_leader(owner: ProcessOwner) -> int | None:
    """Return the process id of the node's recorded leader if that process still runs; ``None`` otherwise."""
    for leader in owner.leaders():
        with suppress(OSError):
            stat = _read_stat(leader.pid)
            if stat.started == leader.started and stat.state != "Z":
                return leader.pid
    return None


def is_suspended(pid: int) -> bool:
    """Return whether a signal has suspended the process. Source: proc_pid_stat(5), state T."""
    with suppress(OSError):
        return _read_stat(pid).state == "T"
    return False


def find_processes(owner: ProcessOwner) -> tuple[psutil.Process, ...]:
    """Return every process of the owner, without this one and without zombies."""
    traces = _Traces(owner)
    return tuple(_existing(pid for pid in psutil.pids() if pid != os.getpid() and traces.lead_to(pid)))


def count_processes(owner: ProcessOwner) -> int:
    """Return the number of the owner's processes: one file lists those of its cgroup; the other traces take a look at each process."""
    cgroup = owner.cgroup
    in_cgroup = sum(1 for _ in cgroup.pids()) if cgroup else 0  # a program that has just been started has not entered it yet
    return in_cgroup or len(find_processes(owner))


def find_users_of_removed(path: Path) -> tuple[psutil.Process, ...]:
    """Return every process that has a file of this path open which was removed. Source: proc_pid_fd(5), "(deleted)"."""
    return tuple(_existing(pid for pid in psutil.pids() if _has_open(pid, f"{path} (deleted)")))


def _has_open(pid: int, target: str) -> bool:
    with suppress(OSError):  # the process has exited, or is of another user
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since it was listed
                if str(descriptor.readlink()) == target:
                    return True
    return False


async def end_processes(processes: Sequence[psutil.Process], *, grace_s: float) -> None:
    """Send SIGTERM and, after ``grace_s``, SIGKILL; psutil compares start times, so no other process with a reused id is hit."""
    for number, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, KILL_WITHIN_S)):
        alive = [process for process in processes if _is_alive(process)]
        if not alive or not patience_s:
            continue
        for process in alive:
            with suppress(psutil.Error):
                process.send_signal(number)
        with anyio.move_on_after(patience_s):
            await _wait_exited(alive)


async def end_group(cgroup: Cgroup) -> None:
    """Send SIGKILL to all processes of the group until none is left, at most for ``GROUP_WITHIN_S``, and remove the group.

    Unlike a list of processes, this includes those that are forked meanwhile.
    """
    with anyio.move_on_after(GROUP_WITHIN_S):
        while any(cgroup.pids()):
            cgroup.kill()
            await anyio.sleep(0.01)
    cgroup.remove()


def describe_process(process: psutil.Process) -> str:
    """Return the command line of a process, at most 80 characters; empty if it has exited."""
    with suppress(psutil.Error):
        return " ".join(process.cmdline())[:80]
    return ""


def used_processor_s() -> float:
    """Return the processor time in seconds that this process and all its descendants have used, including those that exited."""
    reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    used_s = reaped.ru_utime + reaped.ru_stime + own.ru_utime + own.ru_stime
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            used_s += sum(process.cpu_times()[:4])  # its own time and that of the children it has reaped
    return used_s


@dataclass(frozen=True, slots=True)
class _Stat:
    """What /proc/PID/stat says of a process."""

    state: str
    session: int
    started: int


class _Traces:
    """The traces by which the processes of an owner are found."""

    def __init__(self, owner: ProcessOwner) -> None:
        self._owner = owner
        cgroup = owner.cgroup
        self._in_cgroup = frozenset(cgroup.pids()) if cgroup else frozenset[int]()
        self._sessions = {leader.pid: leader.started for leader in owner.leaders()}
        self._marker = f"{_MARKER}={owner.paths.root}:{owner.node or ''}".encode()

    def lead_to(self, pid: int) -> bool:
        """Return whether one of the traces leads to the process."""
        return pid in self._in_cgroup or self._is_in_session(pid) or self._is_marked(pid) or self._is_at_work(pid)

    def _is_in_session(self, pid: int) -> bool:
        with suppress(OSError):
            stat = _read_stat(pid)
            # The number of a session is reused only when the session is empty, and then by a younger process.
            started = self._sessions.get(stat.session)
            return started is not None and (stat.started == started if pid == stat.session else stat.started >= started)
        return False

    def _is_marked(self, pid: int) -> bool:
        try:
            entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:  # exited, or of another user
            return False
        whole = self._owner.node is not None
        return any(entry == self._marker if whole else entry.startswith(self._marker) for entry in entries)

    def _is_at_work(self, pid: int) -> bool:
        """Return whether the process works in the stack's ``run`` folder with a library of the stack's environment.

        Neither alone is enough: a user's shell may stand in that folder, and a user's client may run in that environment.
        """
        paths = self._owner.paths
        with suppress(OSError):
            if self._owner.node is None and Path(f"/proc/{pid}/cwd").readlink() == paths.run:
                return f" {paths.venv}/".encode() in Path(f"/proc/{pid}/maps").read_bytes()
        return False


async def _wait_exited(processes: Iterable[psutil.Process]) -> None:
    # They are not children of this process: polling is the only way.
    while any(_is_alive(process) for process in processes):  # noqa: ASYNC110
        await anyio.sleep(0.01)


def _read_stat(pid: int) -> _Stat:
    """Return state, session and start time of a process. Source: proc_pid_stat(5)."""
    # The name, in parentheses, may contain any character.
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return _Stat(words[0], int(words[3]), int(words[19]))


def _read_note(note: Path) -> Iterator[Leader]:
    # The file is missing if the node has just stopped, and incomplete if its writer was killed or the disk was full.
    with suppress(FileNotFoundError, ValueError):
        pid, started, boot_id = note.read_text().split()
        yield Leader(int(pid), int(started), boot_id)


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
