"""Fixtures of the tests of AMQP."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """Use one backend: the code under test runs in threads."""
    return "asyncio"


@pytest.fixture
def exchange(request: pytest.FixtureRequest) -> str:
    """Return the name of an exchange that no other test uses."""
    return f"novaflow.events.{abs(hash(request.node.nodeid))}"
