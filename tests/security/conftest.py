"""A small stack in a folder that every user of the machine can reach."""

import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.security.attacker import require_root
from tests.system.toy import Toy


@pytest.fixture
def anyio_backend() -> str:
    """Return the one backend that starting processes needs."""
    return "asyncio"


@pytest.fixture
def shared() -> Iterator[Path]:
    """Return a folder that every user can list; only root can write in it."""
    require_root()
    folder = Path(tempfile.mkdtemp(prefix="nf-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def toy(shared: Path) -> AsyncIterator[Toy]:
    """Return a stack with one service, which is stopped after the test."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    toy = Toy(shared, port)
    yield toy
    await toy.end()
