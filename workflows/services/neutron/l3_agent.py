"""neutron-l3-agent: routers, and floating addresses that this machine reaches."""

from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from novaflow.model.step import step
from workflows.infra.openvswitch.bridges import EXTERNAL
from workflows.platform.routes import ROUTES_V6, find_overlap
from workflows.platform.system_packages import SystemPackages
from workflows.services.neutron.daemons import after_switch, agent_probe, daemon
from workflows.services.neutron.external_network import IPV6, gateway_v4, gateway_v6, router
from workflows.services.neutron.nat import find_forwarding, nat, stop_forwarding
from workflows.services.neutron.networks import external_v6, fixed_v6
from workflows.services.neutron.settings import NetworkSettings


def has_free_range(settings: Settings, _: Paths) -> CheckResult:
    """Check that this machine has no other route to the floating addresses."""
    if route := find_overlap(settings.of(NetworkSettings).floating_range, ignored_interface=EXTERNAL):
        found = f"{settings.of(NetworkSettings).floating_range} overlaps {route.network}, which is routed over {route.interface_name}"
        return CheckResult("floating addresses", Severity.BAD, found, "choose another FLOATING_RANGE")
    return CheckResult("floating addresses", Severity.GOOD, str(settings.of(NetworkSettings).floating_range))


def has_free_range_v6(settings: Settings, paths: Paths) -> CheckResult:
    """Check that the kernel supports IPv6, and that this machine has no other route to the addresses of servers."""
    if not settings.of(NetworkSettings).use_ipv6:
        return CheckResult("IPv6", Severity.GOOD, "disabled")
    if not ROUTES_V6.exists():
        return CheckResult("IPv6", Severity.BAD, "this kernel does not support it", "leave USE_IPV6 at 0")
    for addresses in (fixed_v6(paths), external_v6(paths)):
        if route := find_overlap(addresses, ignored_interface=EXTERNAL):
            found = f"{addresses} overlaps {route.network}, which is routed over {route.interface_name}"
            return CheckResult("IPv6", Severity.BAD, found, "choose another DIR, which has other prefixes, or leave USE_IPV6 at 0")
    return CheckResult("IPv6", Severity.GOOD, str(fixed_v6(paths)))


AGENT = after_switch(
    daemon(
        "neutron-l3-agent",
        "Routes between networks and floating addresses.",
        agent_probe("neutron-l3-agent"),
        needs=("neutron-rpc-server", "neutron-api", "keystone.accounts", "neutron.account", "openvswitch"),
        config="l3-agent.ini",
    ),
    namespaces="qrouter-",
    ports=("qg-", "qr-"),
)


@step(needs=("openvswitch",), within_s=30)
async def gateway(ctx: Context) -> str:
    """Assign the first floating address to this machine, which makes it the gateway of all others."""
    addresses = [gateway_v4(ctx.settings), *([gateway_v6(ctx.paths)] if ctx.settings.of(NetworkSettings).use_ipv6 else [])]
    await ctx.run("ip", "link", "set", EXTERNAL, "up")
    for address in addresses:
        # Duplicate address detection would take a second; the address is unique.
        await ctx.run("ip", "address", "replace", str(address), "dev", EXTERNAL, *(["nodad"] if address.version == IPV6 else []))
    return f"{' and '.join(map(str, addresses))} on {EXTERNAL}"


COMPONENT = Component(
    name="neutron-l3-agent",
    summary="Routers and floating addresses.",
    declares=(SystemPackages(debian=("radvd",)),),  # advertises IPv6 prefixes to servers
    checks=(has_free_range, has_free_range_v6),
    parts={"run": (AGENT, gateway, nat, router), "clean": (stop_forwarding,)},
    orphans=(find_forwarding,),
)
