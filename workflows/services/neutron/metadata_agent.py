"""neutron-metadata-agent: takes what servers ask of 169.254.169.254 to nova."""

from novaflow.model.component import Component
from workflows.platform.system_packages import SystemPackages
from workflows.services.neutron.config import agent_probe, daemon

AGENT = daemon(
    "neutron-metadata-agent",
    "Takes servers' questions about themselves to nova.",
    agent_probe("neutron-metadata-agent"),
    needs=("neutron-rpc-server", "neutron-api", "keystone.accounts", "neutron.account", "nova-metadata"),
    also="metadata-agent.ini",
)

COMPONENT = Component(
    name="neutron-metadata-agent",
    summary="Servers' way to metadata.",
    declares=(SystemPackages(debian=("haproxy",)),),  # listens in routers' namespaces
    parts={"run": (AGENT,)},
)
