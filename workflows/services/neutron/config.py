"""neutron's configuration: one file for its servers, one more for each agent."""

import hashlib
import os
from ipaddress import IPv6Network
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.probe import FunctionProbe, NotYet, Probe
from novaflow.model.service import Service
from workflows.infra.database.urls import database_url
from workflows.infra.openvswitch.bridges import EXTERNAL, INTEGRATION, SERVERS, datapath_type, ovs_environment, ovsdb_address
from workflows.services.ini import Sections, render_ini
from workflows.services.neutron.settings import NetMan, NetworkSettings
from workflows.services.openstack import Api, locks, messaging, privileged, service_credentials, token_validation

API_PORT = 9696
OPENFLOW_PORT = 16633  # where the agent listens for the switch
METADATA_PORT = 8775  # nova's; agents pass on to it what servers ask of 169.254.169.254
PHYSICAL, OUTSIDE = "servers", "outside"  # what br-net and br-ex are called in provider networks
DNSMASQ = "dnsmasq.conf"
VLANS = "100:299"  # tags for projects' networks; Open vSwitch's own, so any will do


def config_file(ctx: Context, name: str = "neutron.conf") -> Path:
    """Return where one of neutron's configuration files lies."""
    return ctx.paths.etc / "neutron" / name


def fixed_v6(paths: Paths) -> IPv6Network:
    """Return the addresses servers make their IPv6 ones of."""
    return _subnet_v6(paths, 0)


def outside_v6(paths: Paths) -> IPv6Network:
    """Return the addresses of the network between this machine and the router."""
    return _subnet_v6(paths, 1)


def _subnet_v6(paths: Paths, number: int) -> IPv6Network:
    # A prefix of the stack's own: the easy ones, such as fd00::/64, are somebody's already. Source: RFC 4193, section 3.2
    drawn = hashlib.sha256(f"{os.uname().nodename}:{paths.root}".encode()).digest()[:5]
    return IPv6Network((b"\xfd" + drawn + number.to_bytes(2, "big") + bytes(8), 64))


async def write_configs(ctx: Context) -> None:
    """Write neutron's configuration from the settings."""
    main: Sections = {
        "DEFAULT": {
            "use_stderr": True,
            "host": os.uname().nodename,
            "bind_host": ctx.settings.host_ip,
            "state_path": ctx.paths.data / "neutron",
            "core_plugin": "ml2",
            "service_plugins": "router" if ctx.has_component("neutron-l3-agent") else "",
            "auth_strategy": "keystone",
            "graceful_shutdown_timeout": 1,
            "api_workers": 1,
            "rpc_workers": 1,
            "rpc_state_report_workers": 0,
            "notify_nova_on_port_status_changes": True,
            "notify_nova_on_port_data_changes": True,
            "send_events_interval": 1,
            "api_paste_config": ctx.paths.venv / "etc" / "neutron" / "api-paste.ini",
        },
        # As root already: nothing in front of a command, and helpers without sudo.
        "AGENT": {"root_helper": "", "report_interval": 10},
        "database": {"connection": database_url(ctx, "neutron")},
        "nova": {**service_credentials(ctx, "nova"), "endpoint_type": "internal"},
        "placement": service_credentials(ctx, "placement"),
    }
    kinds = ("privsep", "privsep_dhcp_release", "privsep_ovs_vsctl", "privsep_namespace", "privsep_conntrack", "privsep_link")
    layers = (messaging(ctx), token_validation(ctx, "neutron"), locks(ctx, "neutron"), privileged(ctx, config_file(ctx), *kinds))
    await ctx.write(config_file(ctx), render_ini(main, *layers), 0o600)
    await ctx.write(config_file(ctx, "ml2.ini"), render_ini(_ml2(ctx)))
    await ctx.write(config_file(ctx, "openvswitch-agent.ini"), render_ini(_openvswitch_agent(ctx)))
    await ctx.write(config_file(ctx, "dhcp-agent.ini"), render_ini(_dhcp_agent(ctx)))
    # As nobody, its own choice, it could not read who gets which address again: the stack may lie in a home of mode 0700.
    await ctx.write(config_file(ctx, DNSMASQ), "user=root\ngroup=root\n")
    await ctx.write(config_file(ctx, "l3-agent.ini"), render_ini(_l3_agent(ctx)))
    await ctx.write(config_file(ctx, "metadata-agent.ini"), render_ini(_metadata_agent(ctx)), 0o600)


def _ml2(ctx: Context) -> dict[str, dict[str, str | bool]]:
    is_vlan = ctx.settings.of(NetworkSettings).net_man is NetMan.VLAN
    return {
        "ml2": {
            "type_drivers": "flat,vlan",
            "project_network_types": "vlan" if is_vlan else "",
            "mechanism_drivers": "openvswitch",
            "extension_drivers": "port_security",
        },
        "ml2_type_flat": {"flat_networks": "*"},
        "ml2_type_vlan": {"network_vlan_ranges": f"{PHYSICAL}:{VLANS}"},
        "securitygroup": {"enable_ipset": True},
    }


def _openvswitch_agent(ctx: Context) -> dict[str, dict[str, str | int | bool]]:
    kind = datapath_type()
    return {
        "ovs": {
            "ovsdb_connection": ovsdb_address(ctx.paths),
            "integration_bridge": INTEGRATION,
            "bridge_mappings": f"{PHYSICAL}:{SERVERS},{OUTSIDE}:{EXTERNAL}",
            "datapath_type": kind,
            "of_listen_address": "127.0.0.1",
            "of_listen_port": OPENFLOW_PORT,
        },
        "agent": {"tunnel_types": "", "polling_interval": 1},
        # In userspace the openvswitch driver swallows DHCP's broadcasts; a Linux bridge a port does not.
        "securitygroup": {"firewall_driver": "openvswitch" if kind == "system" else "iptables_hybrid", "enable_security_group": True},
    }


def _dhcp_agent(ctx: Context) -> dict[str, dict[str, str | int | bool]]:
    # One of the two agents passes metadata on: the router's, where there is one.
    alone = ctx.has_component("neutron-metadata-agent") and not ctx.has_component("neutron-l3-agent")
    return {
        "DEFAULT": {
            "interface_driver": "openvswitch",
            "resync_interval": 5,
            "dnsmasq_config_file": str(config_file(ctx, DNSMASQ)),
            "enable_isolated_metadata": alone,
            "force_metadata": alone,
        },
        "ovs": {"ovsdb_connection": ovsdb_address(ctx.paths), "integration_bridge": INTEGRATION},
    }


def _l3_agent(ctx: Context) -> dict[str, dict[str, str | int | bool]]:
    return {
        "DEFAULT": {"interface_driver": "openvswitch", "enable_metadata_proxy": ctx.has_component("neutron-metadata-agent")},
        "ovs": {"ovsdb_connection": ovsdb_address(ctx.paths), "integration_bridge": INTEGRATION},
    }


def _metadata_agent(ctx: Context) -> dict[str, dict[str, str | int | bool]]:
    return {
        "DEFAULT": {
            "nova_metadata_host": ctx.settings.host_ip,
            "nova_metadata_port": METADATA_PORT,
            "metadata_proxy_shared_secret": ctx.secret("metadata"),
            "metadata_workers": 4,  # threads; with none, one server that hangs would keep all others waiting
        }
    }


def daemon(  # noqa: PLR0913 - as many as its services differ in
    name: str, summary: str, ready: Probe, needs: tuple[str, ...], *, also: str, port: int | None = None
) -> Service:
    """Return one of neutron's services that has no API; ``also`` is its second configuration file."""
    return Service(
        name=name,
        summary=summary,
        command=lambda ctx: (ctx.paths.venv / "bin" / name, "--config-file", config_file(ctx), "--config-file", config_file(ctx, also)),
        env=ovs_environment,
        ready=ready,
        needs=("neutron.configure", *needs),
        within_s=120,
        port=port,
    )


def agent_probe(binary: str) -> FunctionProbe:
    """Ready when neutron's API calls the agent of this host alive."""

    async def ask(ctx: Context) -> str:
        api = Api.logged_in(ctx)
        agents = (await api.call("GET", api.network(f"/agents?binary={binary}&host={os.uname().nodename}")))["agents"]
        if not any(agent["alive"] for agent in agents):
            raise NotYet("neutron's API does not list it as alive")
        return "neutron's API lists it as alive"

    return FunctionProbe(ask, "alive in GET /v2.0/agents")
