"""Stacks of toys for tests of the runtime."""

from pathlib import Path

import pytest

from novaflow.runtime.stack import Stack
from tests.support.toy_stack import ToyStack


@pytest.fixture
def anyio_backend() -> str:
    """Use one backend: the adapters below require it."""
    return "asyncio"


@pytest.fixture
def toy(tmp_path: Path) -> ToyStack:
    """Return a stack of toys that was never run."""
    return ToyStack(tmp_path)


@pytest.fixture
def stack(toy: ToyStack) -> Stack:
    """Return that stack as the runtime sees it."""
    return toy.open()
