"""A stack's folder, where programs of tests live and from which none gets away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from novaflow.adapters.belongings import Owner, find_processes
from novaflow.model.component import Paths


@pytest.fixture
def anyio_backend() -> str:
    """Adapters run where aiofiles and uvicorn do."""
    return "asyncio"


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[Paths]:
    """Return a stack's folder; after the test nothing of the stack runs."""
    paths = Paths(tmp_path / "nova")
    for folder in (paths.run, paths.log):
        folder.mkdir(parents=True)
    yield paths
    left = find_processes(Owner(paths))
    for process in left:
        process.kill()
    assert left == ()


@pytest.fixture
def owner(paths: Paths) -> Owner:
    """Return a node of the stack."""
    return Owner(paths, "web")
