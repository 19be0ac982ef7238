"""nova-conductor: does for the computes what needs the database."""

from novaflow.model.component import Component
from workflows.infra.rabbitmq.urls import RpcQueue
from workflows.services.nova.config import daemon
from workflows.services.oslo_ping import rpc_probe

CONDUCTOR = daemon(
    "nova-conductor",
    "Does for computes what needs the database.",
    rpc_probe("nova", "conductor"),
    needs=("keystone",),
)

COMPONENT = Component(
    name="nova-conductor",
    summary="Does for computes what needs the database.",
    parts={"run": (CONDUCTOR,)},
    declares=(RpcQueue("nova", "conductor"),),
)
