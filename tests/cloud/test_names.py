"""Names with characters of any script, and beyond the first 65,536 of Unicode, which MariaDB's old `utf8` cannot store."""

from collections.abc import Iterator
from typing import Any

import openstack
import pytest
from openstack.exceptions import BadRequestException

from tests.cloud.clients import BOOT_S, connected, server
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]

BASIC = "日本語 ä\u0301 ٣"  # the first 65,536 characters: Nova, Neutron and Glance themselves accept no others
NAME = f"🚀 {BASIC}"


@pytest.fixture
def nova(cloud: Stack) -> Iterator[Any]:
    """Return a connection of openstacksdk; its types do not cover all services."""
    with connected(cloud.folder / "credentials") as connection:
        yield connection


def created(nova: Any) -> Iterator[tuple[Any, Any, Any]]:  # noqa: ANN401 - services of openstacksdk
    """Create a resource of each kind; yield the functions that read and delete it, and the resource."""
    storage, network, identity, compute = nova.block_storage, nova.network, nova.identity, nova.compute
    volume = storage.create_volume(size=1, name=NAME, description=NAME, metadata={"note": NAME})
    yield storage.get_volume, storage.delete_volume, storage.wait_for_status(volume, "available", wait=BOOT_S)
    yield storage.get_type, storage.delete_type, storage.create_type(name=NAME)
    yield network.get_network, network.delete_network, network.create_network(name=BASIC, description=BASIC)
    yield network.get_security_group, network.delete_security_group, network.create_security_group(name=BASIC)
    yield network.get_router, network.delete_router, network.create_router(name=BASIC)
    yield compute.get_flavor, compute.delete_flavor, compute.create_flavor(name=BASIC, ram=64, vcpus=1, disk=0)
    yield compute.get_aggregate, compute.delete_aggregate, compute.create_aggregate(name=BASIC)
    yield compute.get_server_group, compute.delete_server_group, compute.create_server_group(name=BASIC, policies=["affinity"])
    yield identity.get_project, identity.delete_project, identity.create_project(name=NAME, description=NAME)
    yield identity.get_user, identity.delete_user, identity.create_user(name=NAME, password=NAME)
    yield nova.image.get_image, nova.image.delete_image, nova.image.create_image(BASIC, allow_duplicates=True)


def test_a_resource_of_each_kind_has_its_name(nova: Any) -> None:  # noqa: ANN401 - services of openstacksdk
    """What a service has accepted is read back unchanged."""
    found = []
    for read, delete, resource in created(nova):
        found.append(read(resource.id).name)
        delete(resource.id)
    assert found == [NAME, NAME, *[BASIC] * 6, NAME, NAME, BASIC]


def test_a_server_has_its_name(nova: openstack.connection.Connection) -> None:
    """It boots, although no character of the name may be part of a host name."""
    with server(nova, BASIC) as created:
        assert nova.compute.get_server(created.id).name == BASIC


def test_a_name_that_a_service_does_not_allow_is_refused(nova: Any) -> None:  # noqa: ANN401 - services of openstacksdk
    """The error of the client's request is 400."""
    for create, arguments in (
        (nova.compute.create_keypair, {}),
        (nova.compute.create_flavor, {"ram": 64, "vcpus": 1, "disk": 0}),
        (nova.compute.create_aggregate, {}),
        (nova.network.create_network, {}),
        (nova.image.create_image, {}),
    ):
        with pytest.raises(BadRequestException):
            create(name=NAME, **arguments)
