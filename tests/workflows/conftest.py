"""Steps of components, on a machine's real programs."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """Programs are watched by asyncio's means."""
    return "asyncio"
