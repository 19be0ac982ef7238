"""nova-scheduler: chooses the host of a new server."""

from novaflow.model.component import Component
from workflows.infra.rabbitmq.urls import RpcQueue
from workflows.services.nova.config import daemon
from workflows.services.oslo.rpc_ping import rpc_probe

SCHEDULER = daemon("nova-scheduler", "Chooses the host of a new server.", rpc_probe("nova", "scheduler"), needs=("keystone",))

COMPONENT = Component(
    name="nova-scheduler",
    summary="Choice of the host of a new server.",
    parts={"run": (SCHEDULER,)},
    aliases=("scheduler",),
    declares=(RpcQueue("nova", "scheduler"),),
)
