"""Finds the process that listens on a port."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from novaflow.adapters.process.process_ownership import ProcessOwner


def find_listener(port: int, host: str) -> psutil.Process | None:
    """Return the process that listens on the port at ``host`` or at all addresses; ``None`` if there is none or it is not visible."""
    addresses = {host, "0.0.0.0", "::"}  # noqa: S104 - a listener on all addresses occupies each of them
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status != psutil.CONN_LISTEN or not connection.laddr:
            continue
        if connection.laddr.port == port and connection.laddr.ip in addresses:
            return psutil.Process(connection.pid) if connection.pid else None
    return None


class ServedPorts:
    """The ports on which the processes of an owner listen, and not those of an earlier run or of another program."""

    def __init__(self, owner: ProcessOwner, leader: int) -> None:
        self._owner, self._leader = owner, leader
        # To search for a socket, psutil reads all connections of the machine; whether a known one is still open is one system call.
        self._descriptors: dict[int, tuple[Path, Path]] = {}

    def include(self, port: int) -> bool:
        """Return whether a process of the owner listens on the port."""
        if port in self._descriptors:
            descriptor, opened = self._descriptors[port]
            with suppress(OSError):  # the process has exited, or has closed the socket
                if descriptor.readlink() == opened:
                    return True
        return self._find(port)

    def _find(self, port: int) -> bool:
        for process in _family(self._owner, self._leader):
            try:
                listening = [one for one in process.net_connections(kind="tcp") if one.status == psutil.CONN_LISTEN]
            except psutil.NoSuchProcess:
                continue
            except psutil.Error:
                if os.geteuid() != 0:  # the process may run as another user
                    return True
                continue
            for descriptor in [Path(f"/proc/{process.pid}/fd/{one.fd}") for one in listening if one.laddr.port == port]:
                with suppress(OSError):  # closed meanwhile
                    # The link names the socket with a number that no other has. Source: proc_pid_fd(5)
                    self._descriptors[port] = (descriptor, descriptor.readlink())
                    return True
        return False


def _family(owner: ProcessOwner, leader: int) -> list[psutil.Process]:
    """Return the processes in the owner's cgroup, or where there is none, the leader and its descendants."""
    if (cgroup := owner.cgroup) and (pids := {*cgroup.pids()}):
        return [*_existing(pids)]
    try:
        process = psutil.Process(leader)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _existing(pids: Iterable[int]) -> Iterator[psutil.Process]:
    for pid in pids:
        with suppress(psutil.NoSuchProcess):  # it has exited since it was listed; the others have not
            yield psutil.Process(pid)
