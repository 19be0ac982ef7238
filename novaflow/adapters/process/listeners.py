"""The TCP ports on which processes of this machine listen.

The kernel is asked by netlink. psutil reads /proc/net/tcp, for which the kernel looks through the table of all connections: where memory
is large, so is the table, and it takes 30 ms. Source: sock_diag(7)
"""

import os
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import chain
from pathlib import Path
from time import monotonic

import anyio
import psutil

from novaflow.adapters.process.process_ownership import ProcessOwner
from novaflow.errors import MachineError

PAUSE_S = 0.01  # between two looks at the ports of this machine
# From linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h
_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, _LISTEN = 4, 20, 0x301, 1 << 10
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
_REQUEST = struct.Struct("=BBBxI48x")  # struct inet_diag_req_v2: family, protocol, extensions, states, socket
_SOCKET = struct.Struct("!4xH2x16s")  # the begin of struct inet_diag_msg, in network order: port, address
_INODE = struct.Struct("=68xI")  # its end
_BUFFER = 1 << 16


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that listens; ``descriptor`` is what the link of a descriptor of its process says. Source: proc_pid_fd(5)."""

    address: str
    port: int
    descriptor: str


def read_listeners() -> list[Listener]:
    """Return the TCP sockets that listen in the network namespace of this process.

    Raises: MachineError, if the kernel does not list them.
    """
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
            return [*chain.from_iterable(_dump(kernel, family) for family in (socket.AF_INET, socket.AF_INET6))]
    except OSError as error:
        raise MachineError(f"the kernel does not list the sockets that listen: {error.strerror}; load its module tcp_diag") from error


def _dump(kernel: socket.socket, family: int) -> Iterator[Listener]:
    request = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, _LISTEN)
    kernel.send(_HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 0, 0) + request)
    while True:
        answer = kernel.recv(_BUFFER)
        while answer:
            length, kind, *_ = _HEADER.unpack_from(answer)
            if kind == _DONE:
                return
            if kind == _ERROR:
                number = -struct.unpack_from("=i", answer, _HEADER.size)[0]
                raise OSError(number, os.strerror(number))
            port, address = _SOCKET.unpack_from(answer, _HEADER.size)
            (inode,) = _INODE.unpack_from(answer, _HEADER.size)
            text = socket.inet_ntop(family, address[: 4 if family == socket.AF_INET else 16])
            yield Listener(text, port, f"socket:[{inode}]")
            answer = answer[length + -length % 4 :]


def find_listener(port: int, host: str) -> psutil.Process | None:
    """Return the process that listens on the port at ``host`` or at all addresses; ``None`` if there is none or it is not visible."""
    addresses = {ip_address(address) for address in (host, "0.0.0.0", "::")}  # noqa: S104 - a listener on all addresses occupies each of them
    sockets = {each.descriptor for each in read_listeners() if each.port == port and ip_address(each.address) in addresses}
    for process in psutil.process_iter() if sockets else ():
        with suppress(PermissionError):
            if _find_descriptor(process.pid, sockets):
                return process
    return None


def _find_descriptor(pid: int, links: set[str]) -> Path | None:
    """Return a descriptor of a process with one of these links; ``None`` if there is none or the process has exited.

    Raises: PermissionError, if it is not visible.
    """
    with suppress(FileNotFoundError, ProcessLookupError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                if str(descriptor.readlink()) in links:
                    return descriptor
    return None


class ListeningPorts:
    """The ports of this machine on which a process listens, for those that wait for one: they share what was read."""

    def __init__(self) -> None:
        self._ports: frozenset[int] = frozenset()
        self._read_at = 0.0

    async def wait_for(self, port: int) -> None:
        """Return when a process listens on the port."""
        while True:
            if monotonic() - self._read_at >= PAUSE_S:
                self._ports = frozenset(each.port for each in read_listeners())
                self._read_at = monotonic()
            if port in self._ports:
                return
            await anyio.sleep(PAUSE_S)


class ServedPorts:
    """The ports on which the processes of an owner listen, and not those of an earlier run or of another program."""

    def __init__(self, owner: ProcessOwner, leader: int) -> None:
        self._owner, self._leader = owner, leader
        # Whether a known socket is still open is one system call.
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
        links = {each.descriptor for each in read_listeners() if each.port == port}
        for process in _family(self._owner, self._leader):
            try:
                found = _find_descriptor(process.pid, links)
            except PermissionError:
                if os.geteuid() != 0:  # the process may run as another user
                    return True
                continue
            with suppress(OSError):  # closed meanwhile
                if found is not None:
                    self._descriptors[port] = (found, found.readlink())
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
