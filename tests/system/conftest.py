"""The command line as a process, on a small stack whose processes end with the test."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from novaflow.adapters.process import ProcessOwner, find_processes
from tests.system.toy import Toy


@pytest.fixture
def anyio_backend() -> str:
    """Return the one backend that starting processes needs."""
    return "asyncio"


@pytest.fixture
def port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
    return number


@pytest.fixture
async def toy(tmp_path: Path, port: int) -> AsyncIterator[Toy]:
    """Return a stack with one service and a step before and after it.

    After the test, a stack that is up is stopped; a process that is left then fails the test.
    """
    toy = Toy(tmp_path, port)
    yield toy
    await toy.end()
    left = find_processes(ProcessOwner(toy.paths))
    for process in left:
        process.kill()
    assert left == ()
    assert not toy.is_held
