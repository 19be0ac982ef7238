"""Starts programs by a fork server, which has imported their modules already.

The fork server is a service of the stack, which listens on a Unix socket. Its client sends one line of JSON and the descriptors
of the standard streams, receives a process id, and sends an empty line when the program may run.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import anyio
import structlog
from anyio.abc import UNIXSocketStream

from novaflow.adapters.process.running_process import AdoptedProcess

ANSWER_S = 3.0  # a fork takes milliseconds; a server that has to import changed files closes the connection

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ForkedProcess:
    """A process that waits; ``start`` lets the program run in it. It exits if the connection ends before."""

    process: AdoptedProcess
    stream: UNIXSocketStream

    async def start(self) -> None:
        """Let the program run; if the process has exited, its ``wait`` returns."""
        with suppress(anyio.BrokenResourceError):
            await self.stream.send(b"\n")

    async def aclose(self) -> None:
        """Close the connection and release the descriptor of the process."""
        await _close(self.stream)
        self.process.close()


async def fork_process(server: Path, program: Mapping[str, object], output: FileIO) -> ForkedProcess | None:
    """Return a process of the fork server at that socket; ``None`` if the program has to be started without the server.

    ``program`` has the members ``argv``, ``env`` and ``cwd``. The parent of the process is the nearest subreaper.
    """
    stream: UNIXSocketStream | None = None
    try:
        with anyio.fail_after(ANSWER_S):
            stream = await anyio.connect_unix(server)
            return ForkedProcess(AdoptedProcess(await _ask(stream, {**program, "report_exit": False}, output)), stream)
    except (OSError, ValueError, anyio.EndOfStream, anyio.BrokenResourceError) as error:
        log.info("process.not_forked", server=server.name, reason=f"{type(error).__name__}: {error}")
        await _close(stream)
        return None
    except BaseException:
        await _close(stream)
        raise


async def _ask(stream: UNIXSocketStream, request: Mapping[str, object], output: FileIO) -> int:
    with open(os.devnull, "rb", buffering=0) as nothing:  # noqa: ASYNC230, PTH123 - the kernel answers at once
        await stream.send_fds(json.dumps(request).encode() + b"\n", [nothing, output, output])
    answer = (await stream.receive()).decode().strip()
    if not answer.isdecimal():
        raise ValueError(answer)
    return int(answer)


async def _close(stream: UNIXSocketStream | None) -> None:
    if stream is not None:
        with anyio.CancelScope(shield=True):
            await stream.aclose()
