"""A running fork server with a module of its own, and scripts for it."""

import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import DEVNULL

import anyio

from tests.support.programs import wait_until
from workflows.services.oslo import fork_server

SERVER = Path(fork_server.__file__)


def write_script(path: Path, code: str) -> Path:
    """Write a script of this Python environment."""
    path.write_text(f"#!{sys.executable}\n{code}\n")
    path.chmod(0o700)
    return path


@asynccontextmanager
async def running_server(folder: Path, *modules: str, repeated: str = "", path: Path | None = None) -> AsyncIterator[Path]:
    """Run a fork server that imports the modules from the folder, and yield its socket; its messages are in ``server.log``."""
    path = path or folder / "server.sock"
    with open(folder / "server.log", "ab") as log:  # noqa: ASYNC230, PTH123 - a file of this machine
        process = await anyio.open_process(
            (sys.executable, "-P", SERVER, path, ",".join(modules), repeated),
            env={"PYTHONPATH": str(folder)},
            stdin=DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        await wait_until(lambda: answers(path))
        yield path
    finally:
        process.kill()
        await process.wait()


def answers(path: Path) -> bool:
    """Return whether the server accepts connections."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(os.fspath(path)) == 0
