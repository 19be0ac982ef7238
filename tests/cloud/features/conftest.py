"""Two clients of the shared cloud."""

from collections.abc import Iterator

import openstack
import pytest

from tests.cloud.clients import connected
from tests.cloud.features.openstack_client import OpenStackClient
from tests.cloud.stacks import Stack


@pytest.fixture(scope="module")
def client(stack: Stack) -> OpenStackClient:
    """Return the administrator's `openstack` command."""
    stack.up()
    return OpenStackClient(stack.folder)


@pytest.fixture(scope="module")
def nova(client: OpenStackClient) -> Iterator[openstack.connection.Connection]:
    """Return a connection of openstacksdk, which waits with less processor time than the command."""
    with connected(client.folder / "credentials") as connection:
        yield connection
