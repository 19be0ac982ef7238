"""neutron-l3-agent: routers, and floating addresses that this machine reaches."""

from collections.abc import Sequence
from ipaddress import IPv4Interface

from novaflow.model.component import Component, Context, Finding, Leftover, Paths, Skipped, Verdict, step
from novaflow.settings import Settings
from workflows.components.cloud import NETWORK
from workflows.shared.leftovers import OUT_CHAIN
from workflows.shared.neutron import OUTSIDE, agent_probe, daemon
from workflows.shared.openstack import SERVICE_PROJECT, Api
from workflows.shared.openvswitch import EXTERNAL
from workflows.shared.routes import find_overlap

PUBLIC = "public"  # the external network, and so the name of the pool of floating addresses
FORWARDING = "ip-forward"  # in data: what the machine did before


def has_free_range(settings: Settings, _: Paths) -> Finding:
    """Look whether the machine already knows a way to the floating addresses."""
    if route := find_overlap(settings.floating_range, but=EXTERNAL):
        found = f"{settings.floating_range} overlaps {route.network}, which is reached over {route.card}"
        return Finding("floating addresses", Verdict.BAD, found, "choose another FLOATING_RANGE")
    return Finding("floating addresses", Verdict.GOOD, str(settings.floating_range))


AGENT = daemon(
    "neutron-l3-agent",
    "Routes between networks.",
    agent_probe("neutron-l3-agent"),
    needs=("neutron-rpc-server", "neutron-api", "keystone.accounts", "neutron.account", "openvswitch"),
    also="l3-agent.ini",
)


@step(needs=("openvswitch",), within_s=30)
async def gateway(ctx: Context) -> str:
    """Give this machine the floating range's first address: its way to all others."""
    address = _gateway(ctx.settings)
    await ctx.run("ip", "address", "replace", str(address), "dev", EXTERNAL)
    await ctx.run("ip", "link", "set", EXTERNAL, "up")
    return f"{address} on {EXTERNAL}"


def _is_asked(settings: Settings) -> bool:
    return settings.novaflow_nat


@step(needs=("neutron-l3-agent.gateway",), within_s=30, when=_is_asked)
async def nat(ctx: Context) -> str:
    """Let servers out under this machine's address, as NOVAFLOW_NAT asks."""
    await ctx.write(ctx.paths.data / FORWARDING, await ctx.run("sysctl", "-n", "net.ipv4.ip_forward"))
    await ctx.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
    servers = str(ctx.settings.floating_range)
    for table, place in (("nat", "POSTROUTING"), ("filter", "FORWARD")):
        await ctx.run("iptables", "-t", table, "-N", OUT_CHAIN)
        # First of all: where another forbids forwarding, as Docker does, it says so at the end.
        await ctx.run("iptables", "-t", table, "-I", place, "-j", OUT_CHAIN)
    await ctx.run("iptables", "-t", "nat", "-A", OUT_CHAIN, "-s", servers, "!", "-o", EXTERNAL, "-j", "MASQUERADE")
    await ctx.run("iptables", "-A", OUT_CHAIN, "-i", EXTERNAL, "-s", servers, "-j", "ACCEPT")
    await ctx.run("iptables", "-A", OUT_CHAIN, "-o", EXTERNAL, "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT")
    return f"{servers} is hidden behind this machine"


async def find_forwarding(ctx: Context) -> Sequence[Leftover]:
    """Return the machine's setting that was changed, if it was."""
    return [Leftover("sysctl", "net.ipv4.ip_forward", "NOVAFLOW_NAT changed it")] if (ctx.paths.data / FORWARDING).exists() else []


@step(within_s=30)
async def stop_forwarding(ctx: Context) -> Skipped | str:
    """Forward packets, or not, as the machine did before."""
    kept = ctx.paths.data / FORWARDING
    if not kept.exists():
        return Skipped("it was left alone")
    before = kept.read_text().strip()
    await ctx.run("sysctl", "-q", "-w", f"net.ipv4.ip_forward={before}")
    kept.unlink()
    return f"net.ipv4.ip_forward is {before} again"


# A port made before its agents live stays bound to nothing.
@step(needs=("cloud.network", "neutron-l3-agent", "neutron-openvswitch-agent"), within_s=60)
async def router(ctx: Context) -> str:
    """Make the network of floating addresses, and the router between it and servers."""
    api, settings = Api.logged_in(ctx), ctx.settings
    # Not the administrator's own: its servers would have to choose between two networks.
    owner = (await api.call("GET", api.identity(f"/projects?name={SERVICE_PROJECT}")))["projects"][0]["id"]
    kind = {"router:external": True, "provider:network_type": "flat", "provider:physical_network": OUTSIDE}
    public = (await api.call("POST", api.network("/networks"), {"network": {"name": PUBLIC, "project_id": owner, **kind}}))["network"]
    subnet = {
        "network_id": public["id"],
        "name": PUBLIC,
        "ip_version": 4,
        "cidr": str(settings.floating_range),
        "gateway_ip": str(_gateway(settings).ip),
        "enable_dhcp": False,
    }
    await api.call("POST", api.network("/subnets"), {"subnet": subnet})
    asked = {"router": {"name": "router", "external_gateway_info": {"network_id": public["id"]}}}
    made = (await api.call("POST", api.network("/routers"), asked))["router"]
    private = (await api.call("GET", api.network(f"/subnets?name={NETWORK}")))["subnets"][0]
    await api.call("PUT", api.network(f"/routers/{made['id']}/add_router_interface"), {"subnet_id": private["id"]})
    address = made["external_gateway_info"]["external_fixed_ips"][0]["ip_address"]
    return f"{NETWORK} is reached over {address} in {PUBLIC}, {settings.floating_range}"


def _gateway(settings: Settings) -> IPv4Interface:
    floating = settings.floating_range
    return IPv4Interface((floating.network_address + 1, floating.prefixlen))


COMPONENT = Component(
    name="neutron-l3-agent",
    summary="Routers and floating addresses.",
    checks=(has_free_range,),
    parts={"run": (AGENT, gateway, nat, router), "clean": (stop_forwarding,)},
    leftovers=(find_forwarding,),
)
