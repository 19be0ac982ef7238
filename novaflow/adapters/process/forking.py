"""Starts programs by a fork server, which has imported their modules already.

The fork server is a service of the stack, which listens on a Unix socket. Its client sends one line of JSON and the descriptors
of the standard streams, receives a process id, and sends an empty line when the program may run.
"""

import json
import os
from collections.abc import Mapping
from io import FileIO
from pathlib import Path

import anyio
import structlog
from anyio.abc import UNIXSocketStream

from novaflow.adapters.process.cgroups import Cgroup
from novaflow.adapters.process.running_process import AdoptedProcess

ANSWER_S = 10.0  # a fork takes milliseconds; a server that has to import changed files closes the connection

log = structlog.get_logger()


async def start_forked(server: Path, program: Mapping[str, object], output: FileIO, cgroup: Cgroup | None) -> AdoptedProcess | None:
    """Start a program by the fork server at that socket; return ``None`` if it has to be started without the server.

    ``program`` has the members ``argv``, ``env`` and ``cwd``. The process is in ``cgroup`` before the program runs; its parent is
    the nearest subreaper.
    """
    try:
        with anyio.fail_after(ANSWER_S):
            async with await anyio.connect_unix(server) as stream:
                return await _ask(stream, {**program, "report_exit": False}, output, cgroup)
    except (OSError, ValueError, anyio.EndOfStream, anyio.BrokenResourceError) as error:
        log.info("process.not_forked", server=server.name, reason=f"{type(error).__name__}: {error}")
        return None


async def _ask(stream: UNIXSocketStream, request: Mapping[str, object], output: FileIO, cgroup: Cgroup | None) -> AdoptedProcess:
    with open(os.devnull, "rb", buffering=0) as nothing:  # noqa: ASYNC230, PTH123 - the kernel answers at once
        await stream.send_fds(json.dumps(request).encode() + b"\n", [nothing, output, output])
    answer = (await stream.receive()).decode().strip()
    if not answer.isdecimal():
        raise ValueError(answer)
    process = AdoptedProcess(int(answer))
    try:
        if cgroup:
            cgroup.add(process.pid)
        await stream.send(b"\n")
    except BaseException:
        process.close()
        raise
    return process
