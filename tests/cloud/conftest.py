"""The real cloud, brought up once for all tests that look at it."""

from collections.abc import Iterator

import pytest

from tests.cloud.looking import require_cloud_machine
from tests.cloud.stacks import Stack, stack_in_folder


@pytest.fixture(scope="session")
def cloud_machine() -> None:
    """Skip on a machine that cannot hold a cloud; fail there in CI."""
    require_cloud_machine()


@pytest.fixture(scope="session")
def stack(cloud_machine: None) -> Iterator[Stack]:  # noqa: ARG001 - asked for before anything is made
    """Lend the stack that the tests share; it may be up or not."""
    with stack_in_folder("nova") as stack:
        yield stack


@pytest.fixture
def cloud(stack: Stack) -> Stack:
    """Lend the stack, up: at once, if the test before left it so."""
    stack.up()
    return stack
