"""neutron-l3-agent: routers, and floating addresses that this machine reaches."""

from collections.abc import Sequence
from ipaddress import IPv4Interface, IPv6Interface, ip_address

from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.orphan import OrphanedResource
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from novaflow.model.step import Skipped, step
from workflows.infra.openvswitch.bridges import EXTERNAL
from workflows.infra.openvswitch.orphans import OUT_CHAIN
from workflows.platform.routes import ROUTES_V6, find_overlap
from workflows.platform.system_packages import SystemPackages
from workflows.services.cloud.component import NETWORK
from workflows.services.neutron.config import OUTSIDE, agent_probe, daemon, fixed_v6, outside_v6
from workflows.services.neutron.settings import NetworkSettings
from workflows.services.openstack import SERVICE_PROJECT, Api

PUBLIC = "public"  # the external network, and so the name of the pool of floating addresses
IPV6 = 6  # as ipaddress calls it
FORWARDING = "ip-forward"  # in data: what the machine did before


def has_free_range(settings: Settings, _: Paths) -> CheckResult:
    """Look whether the machine already knows a way to the floating addresses."""
    if route := find_overlap(settings.of(NetworkSettings).floating_range, ignored_interface=EXTERNAL):
        found = f"{settings.of(NetworkSettings).floating_range} overlaps {route.network}, which is reached over {route.interface_name}"
        return CheckResult("floating addresses", Severity.BAD, found, "choose another FLOATING_RANGE")
    return CheckResult("floating addresses", Severity.GOOD, str(settings.of(NetworkSettings).floating_range))


def has_free_range_v6(settings: Settings, paths: Paths) -> CheckResult:
    """Look whether the machine can have IPv6, and already knows a way to servers' addresses."""
    if not settings.of(NetworkSettings).use_ipv6:
        return CheckResult("IPv6", Severity.GOOD, "not asked for")
    if not ROUTES_V6.exists():
        return CheckResult("IPv6", Severity.BAD, "this kernel has none", "leave USE_IPV6 at 0")
    for addresses in (fixed_v6(paths), outside_v6(paths)):
        if route := find_overlap(addresses, ignored_interface=EXTERNAL):
            found = f"{addresses} overlaps {route.network}, which is reached over {route.interface_name}"
            return CheckResult("IPv6", Severity.BAD, found, "name another DIR, which has other addresses, or leave USE_IPV6 at 0")
    return CheckResult("IPv6", Severity.GOOD, str(fixed_v6(paths)))


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
    addresses = [_gateway(ctx.settings), *([_gateway_v6(ctx.paths)] if ctx.settings.of(NetworkSettings).use_ipv6 else [])]
    await ctx.run("ip", "link", "set", EXTERNAL, "up")
    for address in addresses:
        # Nobody else has it, and IPv6 would first ask around for a second.
        await ctx.run("ip", "address", "replace", str(address), "dev", EXTERNAL, *(["nodad"] if address.version == IPV6 else []))
    return f"{' and '.join(map(str, addresses))} on {EXTERNAL}"


def _is_asked(settings: Settings) -> bool:
    return settings.of(NetworkSettings).novaflow_nat


@step(needs=("neutron-l3-agent.gateway",), within_s=30, when=_is_asked)
async def nat(ctx: Context) -> str:
    """Let servers out under this machine's address, as NOVAFLOW_NAT asks."""
    await ctx.write(ctx.paths.data / FORWARDING, await ctx.run("sysctl", "-n", "net.ipv4.ip_forward"))
    await ctx.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
    servers = str(ctx.settings.of(NetworkSettings).floating_range)
    for table, place in (("nat", "POSTROUTING"), ("filter", "FORWARD")):
        await ctx.run("iptables", "-t", table, "-N", OUT_CHAIN)
        # First of all: where another forbids forwarding, as Docker does, it says so at the end.
        await ctx.run("iptables", "-t", table, "-I", place, "-j", OUT_CHAIN)
    await ctx.run("iptables", "-t", "nat", "-A", OUT_CHAIN, "-s", servers, "!", "-o", EXTERNAL, "-j", "MASQUERADE")
    await ctx.run("iptables", "-A", OUT_CHAIN, "-i", EXTERNAL, "-s", servers, "-j", "ACCEPT")
    await ctx.run("iptables", "-A", OUT_CHAIN, "-o", EXTERNAL, "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT")
    return f"{servers} is hidden behind this machine"


async def find_forwarding(ctx: Context) -> Sequence[OrphanedResource]:
    """Return the machine's setting that was changed, if it was."""
    return [OrphanedResource("sysctl", "net.ipv4.ip_forward", "NOVAFLOW_NAT changed it")] if (ctx.paths.data / FORWARDING).exists() else []


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
        "cidr": str(settings.of(NetworkSettings).floating_range),
        "gateway_ip": str(_gateway(settings).ip),
        "enable_dhcp": False,
    }
    await api.call("POST", api.network("/subnets"), {"subnet": subnet})
    if settings.of(NetworkSettings).use_ipv6:
        gateway_v6 = _gateway_v6(ctx.paths)
        subnet_v6 = {
            "network_id": public["id"],
            "name": f"{PUBLIC}-v6",
            "ip_version": 6,
            "cidr": str(gateway_v6.network),
            "gateway_ip": str(gateway_v6.ip),
            "enable_dhcp": False,
        }
        await api.call("POST", api.network("/subnets"), {"subnet": subnet_v6})
    arguments = {"router": {"name": "router", "external_gateway_info": {"network_id": public["id"]}}}
    made = (await api.call("POST", api.network("/routers"), arguments))["router"]
    private = (await api.call("GET", api.network(f"/networks?name={NETWORK}")))["networks"][0]
    for subnet_id in private["subnets"]:
        await api.call("PUT", api.network(f"/routers/{made['id']}/add_router_interface"), {"subnet_id": subnet_id})
    addresses = [ip_address(each["ip_address"]) for each in made["external_gateway_info"]["external_fixed_ips"]]
    for address in (address for address in addresses if address.version == IPV6):
        await ctx.run("ip", "route", "replace", str(fixed_v6(ctx.paths)), "via", str(address), "dev", EXTERNAL)
    return f"{NETWORK} is reached over {' and '.join(map(str, addresses))} in {PUBLIC}, {settings.of(NetworkSettings).floating_range}"


def _gateway(settings: Settings) -> IPv4Interface:
    floating = settings.of(NetworkSettings).floating_range
    return IPv4Interface((floating.network_address + 1, floating.prefixlen))


def _gateway_v6(paths: Paths) -> IPv6Interface:
    outside = outside_v6(paths)
    return IPv6Interface((outside.network_address + 1, outside.prefixlen))


COMPONENT = Component(
    name="neutron-l3-agent",
    summary="Routers and floating addresses.",
    declares=(SystemPackages(debian=("radvd",)),),  # tells servers of their IPv6
    checks=(has_free_range, has_free_range_v6),
    parts={"run": (AGENT, gateway, nat, router), "clean": (stop_forwarding,)},
    orphans=(find_forwarding,),
)
