"""Masquerading of servers behind the address of this machine, for NOVAFLOW_NAT."""

from collections.abc import Sequence
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.orphan import OrphanedResource
from novaflow.model.settings import Settings
from novaflow.model.step import Skipped, step
from workflows.infra.openvswitch.bridges import EXTERNAL
from workflows.infra.openvswitch.orphans import OUT_CHAIN
from workflows.services.neutron.resolvers import find_resolvers
from workflows.services.neutron.settings import NetworkSettings

SYSCTL = "net.ipv4.ip_forward"


def _previous_value(ctx: Context) -> Path:
    return ctx.paths.data / "ip-forward"


def _is_enabled(settings: Settings) -> bool:
    return settings.of(NetworkSettings).novaflow_nat


@step(needs=("neutron-l3-agent.gateway",), within_s=30, when=_is_enabled)
async def nat(ctx: Context) -> str:
    """Masquerade servers behind the address of this machine, because NOVAFLOW_NAT is set."""
    await ctx.write(_previous_value(ctx), await ctx.run("sysctl", "-n", SYSCTL))
    await ctx.run("sysctl", "-q", "-w", f"{SYSCTL}=1")
    servers = str(ctx.settings.of(NetworkSettings).floating_range)
    for table, chain in (("nat", "POSTROUTING"), ("filter", "FORWARD")):
        await ctx.run("iptables", "-t", table, "-N", OUT_CHAIN)
        # Inserted as the first rule: others, such as Docker's, drop forwarded packets in their last one.
        await ctx.run("iptables", "-t", table, "-I", chain, "-j", OUT_CHAIN)
    await ctx.run("iptables", "-t", "nat", "-A", OUT_CHAIN, "-s", servers, "!", "-o", EXTERNAL, "-j", "MASQUERADE")
    await ctx.run("iptables", "-A", OUT_CHAIN, "-i", EXTERNAL, "-s", servers, "-j", "ACCEPT")
    await ctx.run("iptables", "-A", OUT_CHAIN, "-o", EXTERNAL, "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT")
    return f"{servers} is masqueraded; servers resolve names with {', '.join(find_resolvers()) or 'no name server: this machine has none'}"


async def find_forwarding(ctx: Context) -> Sequence[OrphanedResource]:
    """Return the kernel parameter that ``nat`` changed, if it did."""
    return [OrphanedResource("sysctl", SYSCTL, "NOVAFLOW_NAT changed it")] if _previous_value(ctx).exists() else []


@step(within_s=30)
async def stop_forwarding(ctx: Context) -> Skipped | str:
    """Restore the kernel parameter that NOVAFLOW_NAT changed."""
    if not _previous_value(ctx).exists():
        return Skipped(f"{SYSCTL} was not changed")
    value = _previous_value(ctx).read_text().strip()
    await ctx.run("sysctl", "-q", "-w", f"{SYSCTL}={value}")
    _previous_value(ctx).unlink()
    return f"{SYSCTL} is {value} again"
