"""The command line as a process, on a toy stack from which nothing gets away."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from novaflow.adapters.process import ProcessOwner, find_processes
from tests.system.toy import Toy


@pytest.fixture
def anyio_backend() -> str:
    """One is enough for who only starts processes."""
    return "asyncio"


@pytest.fixture
def port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
    return number


@pytest.fixture
async def toy(tmp_path: Path, port: int) -> AsyncIterator[Toy]:
    """Return a stack with one service and a step before and after it; when the test is over nothing of it runs.

    One that is left up is ended; what is left after that is the test's failure.
    """
    toy = Toy(tmp_path, port)
    yield toy
    await toy.end()
    left = find_processes(ProcessOwner(toy.paths))
    for process in left:
        process.kill()
    assert left == ()
    assert not toy.is_held
