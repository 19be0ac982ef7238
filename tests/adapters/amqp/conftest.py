"""Fixtures of the tests that meet a broker."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """Use one backend: what is tested here happens in threads."""
    return "asyncio"
