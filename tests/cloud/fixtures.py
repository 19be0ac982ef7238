"""The real cloud that all cloud tests share, wherever they are: it is started once."""

from collections.abc import Iterator

import pytest

from tests.cloud.machine_state import require_cloud_machine
from tests.cloud.stacks import Stack, remove_interrupted_stacks, stack_in_folder


@pytest.fixture(scope="session")
def cloud_machine() -> None:
    """Skip the test on a machine that cannot run a cloud, fail it in CI; remove what an interrupted run of the tests left."""
    require_cloud_machine()
    remove_interrupted_stacks()


@pytest.fixture(scope="session")
def stack(cloud_machine: None) -> Iterator[Stack]:  # noqa: ARG001 - checked first
    """Return the shared stack in its current state."""
    with stack_in_folder("nova") as stack:
        yield stack


@pytest.fixture
def cloud(stack: Stack) -> Stack:
    """Return the shared stack after `up`, which does nothing if it is up already."""
    stack.up()
    return stack
