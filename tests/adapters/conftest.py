"""The folder of a stack, whose processes end with the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from novaflow.adapters.process import ProcessOwner, find_processes
from novaflow.model.paths import Paths


@pytest.fixture
def anyio_backend() -> str:
    """Return the backend that aiofiles and uvicorn support."""
    return "asyncio"


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[Paths]:
    """Return the folder of a stack; after the test nothing of the stack runs."""
    paths = Paths(tmp_path / "nova")
    for folder in (paths.run, paths.log):
        folder.mkdir(parents=True)
    yield paths
    left = find_processes(ProcessOwner(paths))
    for process in left:
        process.kill()
    assert left == ()


@pytest.fixture
def owner(paths: Paths) -> ProcessOwner:
    """Return a node of the stack."""
    return ProcessOwner(paths, "web")
