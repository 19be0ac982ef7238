"""A control group for each node, so that none of its processes escapes.

A process leaves its session with ``setsid`` and its environment with ``execve``, but never its cgroup. Version 2 alone is
used; where a machine does not allow it, processes are found by session and marker.
Source: Documentation/admin-guide/cgroup-v2.rst of the Linux kernel.
"""

import hashlib
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_MOUNTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))
_SYSTEMD = Path("/run/systemd/system")  # exists where systemd is the init system. Source: sd_booted(3)
_DELEGATED = "user.delegate"  # set by systemd on a cgroup that its owner may divide. Source: systemd's CGROUP_DELEGATION
_ENTER = 'echo $$ >"$0" && exec "$@"'


@dataclass(frozen=True, slots=True)
class Cgroup:
    """One control group; it need not exist."""

    path: Path

    def create(self) -> None:
        """Create the group and its parents.

        Raises: OSError, if the kernel or the file system refuses.
        """
        self.path.mkdir(parents=True, exist_ok=True)

    def wrap(self, argv: Sequence[str]) -> list[str]:
        """Return a command that enters the group and then becomes ``argv``, so that every child of it starts in the group."""
        return ["/bin/sh", "-c", _ENTER, str(self.path / "cgroup.procs"), *argv]

    def add(self, pid: int) -> None:
        """Move a process into the group.

        Raises: OSError, if the kernel refuses.
        """
        (self.path / "cgroup.procs").write_text(str(pid))

    def pids(self) -> Iterator[int]:
        """Yield the processes in the group and in the groups below it."""
        for procs in self.path.rglob("cgroup.procs"):
            with suppress(OSError):  # removed since it was listed
                yield from map(int, procs.read_text().split())

    def kill(self) -> None:
        """Send SIGKILL to every process in the group, at once."""
        try:
            (self.path / "cgroup.kill").write_text("1")  # since Linux 5.14
        except OSError:
            for pid in self.pids():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        """Remove the group and the groups below it; those that still hold a process stay."""
        folders = [self.path, *(path for path in self.path.rglob("*") if path.is_dir())]
        for folder in sorted(folders, reverse=True):
            with suppress(OSError):
                folder.rmdir()


def find_stack_cgroup(root: Path, base: Path | None) -> Cgroup | None:
    """Return the group of the stack in the folder ``root``; ``None`` where groups cannot be used."""
    if base is None:
        return None
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]  # of the path: a group's name cannot contain a slash
    return Cgroup(base / f"novaflow-{digest}")


def find_base() -> Path | None:
    """Return the group below which this process may create groups; ``None`` if there is none.

    Where systemd runs, it is the nearest group that systemd has delegated; elsewhere the root of the hierarchy.
    """
    mount = next((path for path in _MOUNTS if (path / "cgroup.controllers").exists()), None)
    if mount is None or not os.access(mount / "cgroup.procs", os.W_OK):
        return None
    return _find_delegated(mount) if _SYSTEMD.exists() else mount


def _find_delegated(mount: Path) -> Path | None:
    entry = next((line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")), "0::/")
    own = mount / entry.removeprefix("0::/")
    return next((path for path in (own, *own.parents) if path != mount and mount in path.parents and _is_delegated(path)), None)


def _is_delegated(path: Path) -> bool:
    with suppress(OSError):
        return os.getxattr(path, _DELEGATED) == b"1"
    return False
