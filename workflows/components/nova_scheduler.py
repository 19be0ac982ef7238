"""nova-scheduler: chooses the host of a new server."""

from novaflow.model.component import Component
from workflows.shared.nova import daemon
from workflows.shared.oslo_ping import rpc_probe

# Once keystone answers, a placement account that is missing ends it.
SCHEDULER = daemon("nova-scheduler", "Chooses the host of a new server.", rpc_probe("nova", "scheduler"), needs=("placement.account", "nova.account"))

COMPONENT = Component(name="nova-scheduler", summary="Chooses hosts.", parts={"run": (SCHEDULER,)}, aliases=("scheduler",))
