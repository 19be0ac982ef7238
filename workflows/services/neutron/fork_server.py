"""The process that forks neutron's services, and the privileged helpers of its agents."""

from workflows.infra.openvswitch.bridges import ovs_environment
from workflows.services.oslo.forking import LOADED_LATER, ForkServer

FORK_SERVER = ForkServer(
    "neutron",
    (
        "neutron.cmd.agents.dhcp",
        "neutron.cmd.agents.l3",
        "neutron.cmd.agents.metadata",
        "neutron.cmd.agents.ovs_neutron_agent",
        "neutron.cmd.server",
        "neutron.agent.dhcp.agent",
        "neutron.agent.l3.agent",
        "neutron.plugins.ml2.plugin",
        "neutron.services.l3_router.l3_router_plugin",
        *LOADED_LATER,
    ),
    repeated=("neutron.agent.linux.iptables_manager",),  # the names of its chains begin with that of the program
    env=ovs_environment,
)
