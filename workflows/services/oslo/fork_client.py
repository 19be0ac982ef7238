"""Runs a script in a process that a fork server has prepared: ``fork_client.py SOCKET PROGRAM [ARGUMENT]...``.

Its exit code is that of the program, which gets its streams, its environment and its control group. Without the server it becomes
the program. oslo.privsep starts its helpers with it. ``fork_server.py`` describes the messages.
"""

import json
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

MOUNTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
# ruff: noqa: TID251 - a program of its own

WITHIN_S = 10.0  # for the process id


def main() -> None:
    """Run the program, with the server or without it."""
    path, *argv = sys.argv[1:]
    code = None
    with suppress(OSError, ValueError):
        code = run_forked(path, argv)
    if code is None:
        os.execv(argv[0], argv)  # noqa: S606 - what its caller asks for
    sys.exit(code)


def run_forked(path: str, argv: Sequence[str]) -> int | None:
    """Run the program in a forked process; return its exit code, or ``None`` if the server has refused or does not run.

    Raises: OSError or ValueError, if the server does not answer; the program has not been started then.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(WITHIN_S)
        connection.connect(path)
        request = {"argv": [*argv], "env": dict(os.environ), "cwd": str(Path.cwd()), "report_exit": True}
        socket.send_fds(connection, [json.dumps(request).encode() + b"\n"], [0, 1, 2])
        with connection.makefile("r") as answers:
            pid = int(answers.readline())
            _move_to_own_group(pid)
            connection.sendall(b"\n")
            connection.settimeout(None)
            return int(answers.readline() or 1)  # without an answer, a signal has ended it


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
