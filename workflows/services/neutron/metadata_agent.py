"""neutron-metadata-agent: forwards requests of servers to 169.254.169.254 to nova's metadata service."""

from novaflow.model.component import Component
from workflows.platform.system_packages import SystemPackages
from workflows.services.neutron.daemons import agent_probe, daemon

AGENT = daemon(
    "neutron-metadata-agent",
    "Forwards metadata requests of servers to nova.",
    agent_probe("neutron-metadata-agent"),
    needs=("neutron-rpc-server", "neutron-api", "keystone.accounts", "neutron.account", "nova-metadata"),
    config="metadata-agent.ini",
)

COMPONENT = Component(
    name="neutron-metadata-agent",
    summary="Access of servers to their metadata.",
    declares=(SystemPackages(debian=("haproxy",)),),  # listens in the routers' namespaces
    parts={"run": (AGENT,)},
)
