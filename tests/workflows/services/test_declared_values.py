"""The values that the services' components declare for the infrastructure."""

from pathlib import Path

from novaflow.adapters.storage import find_components
from novaflow.model.component import declared
from novaflow.model.endpoint import Endpoint
from workflows.infra.database.urls import Database
from workflows.infra.rabbitmq.urls import BrokerDefinitions, RpcQueue
from workflows.services.nova.notifications import DEFINITIONS

DEFAULT = tuple(one for one in find_components(Path(__file__).parents[3] / "workflows").components if one.default)


def test_databases() -> None:
    """Every service declares its own databases."""
    names = ["cinder", "ec2api", "glance", "keystone", "neutron", "nova", "nova_api", "nova_cell0", "placement"]
    assert sorted(database.name for database in declared(DEFAULT, Database)) == names


def test_rpc_queues() -> None:
    """Queues of RPC servers that are called while they start exist before them."""
    assert {(queue.exchange, queue.name) for queue in declared(DEFAULT, RpcQueue)} == {
        ("neutron", "q-plugin"),
        ("neutron", "q-reports-plugin"),
        ("neutron", "q-server-resource-versions"),
        ("nova", "conductor"),
        ("nova", "scheduler"),
        ("openstack", "cinder-scheduler"),
    }


def test_broker_definitions() -> None:
    """Nova's queues of notifications are defined in the broker."""
    assert declared(DEFAULT, BrokerDefinitions) == (DEFINITIONS,)


def test_endpoints() -> None:
    """Each name has one endpoint, and no two endpoints have the same port."""
    assert {endpoint.name: endpoint.port for endpoint in declared(DEFAULT, Endpoint)} == {
        "amqp": 5672,
        "block-storage": 8776,
        "compute": 8774,
        "console": 6080,
        "ec2": 8773,
        "identity": 5000,
        "image": 9292,
        "network": 9696,
        "placement": 8778,
        "s3": 3333,
    }
