"""nova-compute: starts servers on this machine."""

from novaflow.model.component import Component
from workflows.shared.nova import daemon
from workflows.shared.oslo_ping import rpc_probe

COMPUTE = daemon(
    "nova-compute",
    "Starts servers on this machine.",
    rpc_probe("nova", "compute"),
    needs=("nova.forget", "keystone", "placement", "libvirt", "openvswitch"),
)

COMPONENT = Component(
    name="nova-compute",
    summary="Starts servers on this machine.",
    packages=("genisoimage",),  # makes config drives
    parts={"run": (COMPUTE,)},
    aliases=("compute",),
)
