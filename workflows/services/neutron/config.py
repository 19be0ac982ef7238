"""neutron's configuration: one file for its servers, a second one for each agent."""

from pathlib import Path

from novaflow.model.context import Context
from workflows.infra.database.origin import host_name
from workflows.infra.database.urls import database_url
from workflows.infra.openvswitch.bridges import EXTERNAL, INTEGRATION, SERVERS, datapath_type, ovsdb_address
from workflows.services.keystone.service_auth import service_credentials, token_validation
from workflows.services.neutron.fork_server import FORK_SERVER
from workflows.services.neutron.networks import EXTERNAL_PHYSICAL, SERVERS_PHYSICAL
from workflows.services.neutron.resolvers import find_resolvers
from workflows.services.neutron.settings import NetMan, NetworkSettings
from workflows.services.nova.endpoints import METADATA_PORT
from workflows.services.oslo.config_file import OsloConfig, Sections
from workflows.services.oslo.sections import locks, messaging, privsep

OPENFLOW_PORT = 16633  # the agent listens here for connections of the switch
DNSMASQ = "dnsmasq.conf"
VLANS = "100:299"  # tags of projects' networks; only the stack's own switch sees them
CONFIGS = tuple(
    OsloConfig(f"neutron/{name}", "neutron")
    for name in ("neutron.conf", "ml2.ini", "openvswitch-agent.ini", "dhcp-agent.ini", "l3-agent.ini", "metadata-agent.ini")
)
PRIVSEP_CONTEXTS = (
    "privsep",
    "privsep_dhcp_release",
    "privsep_ovs_vsctl",
    "privsep_namespace",
    "privsep_conntrack",
    "privsep_link",
)


def config_file(ctx: Context, name: str = "neutron.conf") -> Path:
    """Return the path of one of neutron's configuration files."""
    return ctx.paths.etc / "neutron" / name


async def write_configs(ctx: Context) -> None:
    """Write all configuration files of neutron from the settings."""
    servers = (
        _servers(ctx),
        messaging(ctx),
        token_validation(ctx, "neutron"),
        locks(ctx, "neutron"),
        privsep(ctx, config_file(ctx), *PRIVSEP_CONTEXTS, fork_server=FORK_SERVER),
    )
    agents = (_openvswitch_agent(ctx), _dhcp_agent(ctx), _l3_agent(ctx), _metadata_agent(ctx))
    for config, layers in zip(CONFIGS, (servers, (_ml2(ctx),), *((agent,) for agent in agents)), strict=True):
        await config.write(ctx, *layers)
    # By default dnsmasq runs as the user nobody, who cannot read its lease file in a home folder of mode 0700.
    await ctx.write(config_file(ctx, DNSMASQ), "user=root\ngroup=root\n")


def _servers(ctx: Context) -> Sections:
    return {
        "DEFAULT": {
            "use_stderr": True,
            "host": host_name(ctx.paths),
            "bind_host": ctx.settings.local_ip,
            "state_path": ctx.paths.data / "neutron",
            "core_plugin": "ml2",
            "service_plugins": "router,trunk" if ctx.has_component("neutron-l3-agent") else "trunk",
            "auth_strategy": "keystone",
            "graceful_shutdown_timeout": 1,
            "api_workers": 1,
            "rpc_workers": 1,
            "rpc_state_report_workers": 0,
            # 60 s by default. An agent waits as long for a server that was killed during a call, and then up to as long again before it
            # repeats the call; it doubles the time of a call that needs more.
            "rpc_response_timeout": 20,
            "notify_nova_on_port_status_changes": True,
            "notify_nova_on_port_data_changes": True,
            "send_events_interval": 1,
            "api_paste_config": ctx.paths.venv / "etc" / "neutron" / "api-paste.ini",
        },
        # The stack runs as root: commands need no prefix, and helpers no sudo.
        "AGENT": {"root_helper": "", "report_interval": 10},
        "database": {"connection": database_url(ctx, "neutron")},
        "nova": {**service_credentials(ctx, "nova"), "endpoint_type": "internal"},
        "placement": service_credentials(ctx, "placement"),
    }


def _ml2(ctx: Context) -> Sections:
    is_vlan = ctx.settings.of(NetworkSettings).net_man is NetMan.VLAN
    return {
        "ml2": {
            "type_drivers": "flat,vlan",
            "project_network_types": "vlan" if is_vlan else "",
            "mechanism_drivers": "openvswitch",
            "extension_drivers": "port_security",
        },
        "ml2_type_flat": {"flat_networks": "*"},
        "ml2_type_vlan": {"network_vlan_ranges": f"{SERVERS_PHYSICAL}:{VLANS}"},
        "securitygroup": {"enable_ipset": True},
    }


def _openvswitch_agent(ctx: Context) -> Sections:
    datapath = datapath_type()
    # With the userspace datapath, the openvswitch firewall driver drops DHCP broadcasts; one Linux bridge per port does not.
    firewall = "openvswitch" if datapath == "system" else "iptables_hybrid"
    return {
        "ovs": {
            "ovsdb_connection": ovsdb_address(ctx.paths),
            "integration_bridge": INTEGRATION,
            "bridge_mappings": f"{SERVERS_PHYSICAL}:{SERVERS},{EXTERNAL_PHYSICAL}:{EXTERNAL}",
            "datapath_type": datapath,
            "of_listen_address": "127.0.0.1",
            "of_listen_port": OPENFLOW_PORT,
        },
        "agent": {"tunnel_types": "", "polling_interval": 1},
        "securitygroup": {"firewall_driver": firewall, "enable_security_group": True},
    }


def _dhcp_agent(ctx: Context) -> Sections:
    # The L3 agent serves metadata through routers, and the DHCP agent on networks without one; without an L3 agent, on all of them.
    has_metadata = ctx.has_component("neutron-metadata-agent")
    # Without NOVAFLOW_NAT, servers reach no name server.
    resolvers = find_resolvers() if ctx.settings.of(NetworkSettings).novaflow_nat else ()
    return {
        "DEFAULT": {
            "interface_driver": "openvswitch",
            **({"dnsmasq_dns_servers": ",".join(resolvers)} if resolvers else {}),
            "resync_interval": 5,
            "dnsmasq_config_file": str(config_file(ctx, DNSMASQ)),
            "enable_isolated_metadata": has_metadata,
            "force_metadata": has_metadata and not ctx.has_component("neutron-l3-agent"),
        },
        "ovs": {"ovsdb_connection": ovsdb_address(ctx.paths), "integration_bridge": INTEGRATION},
    }


def _l3_agent(ctx: Context) -> Sections:
    return {
        "DEFAULT": {"interface_driver": "openvswitch", "enable_metadata_proxy": ctx.has_component("neutron-metadata-agent")},
        "ovs": {"ovsdb_connection": ovsdb_address(ctx.paths), "integration_bridge": INTEGRATION},
    }


def _metadata_agent(ctx: Context) -> Sections:
    return {
        "DEFAULT": {
            "nova_metadata_host": ctx.settings.local_ip,
            "nova_metadata_port": METADATA_PORT,
            "metadata_proxy_shared_secret": ctx.secret("metadata"),
            "metadata_workers": 4,  # threads; without them, one server that hangs blocks all others
        }
    }
