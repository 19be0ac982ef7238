"""Finds the process that listens on a port."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress

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


def is_served_by(port: int, owner: ProcessOwner, leader: int) -> bool:
    """Return whether a process of the owner listens on the port, and not one of an earlier run or of another program."""
    for process in _family(owner, leader):
        try:
            if any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in process.net_connections(kind="tcp")):
                return True
        except psutil.NoSuchProcess:
            continue
        except psutil.Error:
            if os.geteuid() != 0:  # the process may run as another user
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
