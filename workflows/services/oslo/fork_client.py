"""Runs a script in a process that a fork server has prepared: ``fork_client.py SOCKET PROGRAM [ARGUMENT]...``.

Its exit code is that of the program, which gets its streams, its environment and its control group. Without the server it becomes
the program. oslo.privsep starts its helpers with it. ``fork_server.py`` describes the messages.
"""

import json
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

MOUNTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
# ruff: noqa: TID251 - a program of its own

WITHIN_S = 3.0  # for the process id: a fork takes milliseconds


def main() -> None:
    """Run the program, with the server or without it."""
    path, *argv = sys.argv[1:]
    with socket.socket(socket.AF_UNIX) as connection:
        if start_forked(connection, path, argv):
            connection.settimeout(None)
            sys.exit(int(connection.makefile("r").readline() or 1))  # without an answer, a signal has ended it
    os.execv(argv[0], argv)  # noqa: S606 - what its caller asks for


def start_forked(connection: socket.socket, path: str, argv: Sequence[str]) -> bool:
    """Start the program in a forked process; return whether it runs, and not if the server has refused or does not run."""
    connection.settimeout(WITHIN_S)
    try:
        connection.connect(path)
        request = {"argv": [*argv], "env": dict(os.environ), "cwd": str(Path.cwd()), "report_exit": True}
        socket.send_fds(connection, [json.dumps(request).encode() + b"\n"], [0, 1, 2])
        _move_to_own_group(int(connection.recv(1_000)))
        connection.sendall(b"\n")
    except (OSError, ValueError):  # the text of a refusal is no number
        return False
    return True


def _move_to_own_group(pid: int) -> None:
    """Move a process into the control group of this one, so that it ends with the service that uses it."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::")), None)
    for mount in MOUNTS:
        procs = Path(mount, own or "", "cgroup.procs")
        if own and procs.exists():
            procs.write_text(str(pid))


if __name__ == "__main__":
    main()
