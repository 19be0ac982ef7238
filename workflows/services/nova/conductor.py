"""nova-conductor: accesses the database for nova-compute and coordinates long operations."""

from novaflow.model.component import Component
from workflows.infra.rabbitmq.urls import RpcQueue
from workflows.services.nova.config import daemon
from workflows.services.oslo.rpc_ping import rpc_probe

CONDUCTOR = daemon("nova-conductor", "Accesses the database for nova-compute.", rpc_probe("nova", "conductor"), needs=("keystone",))

COMPONENT = Component(
    name="nova-conductor",
    summary="Database access for nova-compute.",
    parts={"run": (CONDUCTOR,)},
    declares=(RpcQueue("nova", "conductor"),),
)
