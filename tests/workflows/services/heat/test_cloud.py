"""heat in a real cloud, used through openstacksdk."""

from collections.abc import Iterator
from typing import Any

import openstack
import pytest
from openstack.orchestration.v1.stack import Stack as HeatStack

from tests.cloud.clients import BOOT_S, connected
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.stops_cloud, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]

TEMPLATE: dict[str, Any] = {
    "heat_template_version": "2021-04-16",
    "resources": {
        "suffix": {"type": "OS::Heat::RandomString", "properties": {"length": 8}},
        "network": {"type": "OS::Neutron::Net"},
        "subnet": {"type": "OS::Neutron::Subnet", "properties": {"network": {"get_resource": "network"}, "cidr": "10.9.0.0/24"}},
        "server": {
            "type": "OS::Nova::Server",
            "depends_on": "subnet",
            "properties": {
                "name": {"list_join": ["-", ["heat", {"get_attr": ["suffix", "value"]}]]},
                "image": "ami-tty",
                "flavor": "m1.tiny",
                "networks": [{"network": {"get_resource": "network"}}],
            },
        },
    },
    "outputs": {
        "id": {"value": {"get_resource": "server"}},
        "name": {"value": {"get_attr": ["server", "name"]}},
        "address": {"value": {"get_attr": ["server", "first_address"]}},
    },
}


@pytest.fixture(scope="module")
def cloud_with_heat(stack: Stack) -> Iterator[Stack]:
    """Return the shared stack with heat; other tests find it stopped."""
    stack("clean")
    cloud = Stack(stack.folder, NOVAFLOW_SERVICES="default,heat")
    cloud.up()
    yield cloud
    cloud("clean")


def test_heat_is_part_of_the_cloud(cloud_with_heat: Stack) -> None:
    """`status` lists its services and the address of its API; `verify` still succeeds."""
    status = cloud_with_heat.status()
    states = {service["name"]: service["state"] for service in status["services"] if service["component"] == "heat"}
    assert states == {"heat-api": "ready", "heat-engine": "ready"}
    assert status["url"]["orchestration"] == "http://127.0.0.1:8004/v1"
    cloud_with_heat("verify")


def test_a_heat_stack_is_created_and_deleted(cloud_with_heat: Stack) -> None:
    """Its server is ACTIVE in the network of the stack; after the deletion neither of them exists."""
    with connected(cloud_with_heat.folder / "credentials") as client:
        heat = client.orchestration
        created: HeatStack = heat.create_stack(name="one", template=TEMPLATE)
        try:
            heat.wait_for_status(created, "CREATE_COMPLETE", failures=["CREATE_FAILED"], wait=BOOT_S)
            outputs = {output["output_key"]: output["output_value"] for output in heat.get_stack(created.id).outputs}
            check_server(client, outputs)
        finally:
            heat.delete_stack(created)
            heat.wait_for_delete(created, wait=BOOT_S)
        assert [*client.compute.servers()] == []
        assert [network.name for network in client.network.networks() if network.name.startswith("one-")] == []


def check_server(client: openstack.connection.Connection, outputs: dict[str, str]) -> None:
    """Check that nova knows the server by the name and the address that the outputs of the stack contain."""
    server = client.compute.get_server(outputs["id"])
    assert (server.status, server.name) == ("ACTIVE", outputs["name"])
    assert server.name.startswith("heat-")
    assert outputs["address"].startswith("10.9.0.")
    assert outputs["address"] in {address["addr"] for addresses in server.addresses.values() for address in addresses}
