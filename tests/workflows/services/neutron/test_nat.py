"""Masquerading of servers, and the gateway of floating addresses; programs of the test record what would be changed."""

from collections.abc import Callable

import pytest

from novaflow.adapters.local import NodeContext
from novaflow.errors import ProgramFailed
from novaflow.model.orphan import OrphanedResource
from novaflow.model.step import Skipped
from tests.support.settings import make_settings
from tests.support.stand_ins import StandIns
from workflows.services.neutron.l3_agent import gateway
from workflows.services.neutron.nat import find_forwarding, nat, stop_forwarding
from workflows.services.neutron.networks import external_v6
from workflows.services.neutron.resolvers import find_resolvers

MakeContext = Callable[..., NodeContext]


@pytest.mark.parametrize("novaflow_nat", [False, True])
def test_a_setting_selects_the_step(novaflow_nat: bool) -> None:  # noqa: FBT001
    """Without NOVAFLOW_NAT=1 servers do not leave this machine."""
    assert nat.when(make_settings(novaflow_nat=novaflow_nat)) is novaflow_nat


async def test_servers_are_masqueraded(make_context: MakeContext) -> None:
    """Only packets of floating addresses are, and only where they leave the external bridge; the rules are in a chain of their own."""
    ctx = make_context(floating_range="10.7.0.0/28")
    programs = StandIns(ctx)
    programs.add("iptables", "sysctl")
    servers = ", ".join(find_resolvers()) or "no name server: this machine has none"
    assert await nat.body(ctx) == f"10.7.0.0/28 is masqueraded; servers resolve names with {servers}"
    assert programs.calls == [
        "sysctl -n net.ipv4.ip_forward",
        "sysctl -q -w net.ipv4.ip_forward=1",
        "iptables -t nat -N novaflow-out",
        "iptables -t nat -I POSTROUTING -j novaflow-out",
        "iptables -t filter -N novaflow-out",
        "iptables -t filter -I FORWARD -j novaflow-out",
        "iptables -t nat -A novaflow-out -s 10.7.0.0/28 ! -o br-ex -j MASQUERADE",
        "iptables -A novaflow-out -i br-ex -s 10.7.0.0/28 -j ACCEPT",
        "iptables -A novaflow-out -o br-ex -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
    ]


async def test_the_kernel_parameter_is_restored(make_context: MakeContext) -> None:
    """It is an orphan until then; a second clean-up has nothing to restore."""
    ctx = make_context()
    programs = StandIns(ctx)
    programs.add("iptables")
    programs.add("sysctl", script='[ "$1" != -n ] || echo 0')
    assert await find_forwarding(ctx) == []
    await nat.body(ctx)
    assert await find_forwarding(ctx) == [OrphanedResource("sysctl", "net.ipv4.ip_forward", "NOVAFLOW_NAT changed it")]
    assert await stop_forwarding.body(ctx) == "net.ipv4.ip_forward is 0 again"
    assert programs.calls[-1] == "sysctl -q -w net.ipv4.ip_forward=0"
    assert await find_forwarding(ctx) == []
    assert await stop_forwarding.body(ctx) == Skipped("net.ipv4.ip_forward was not changed")


async def test_a_value_that_cannot_be_restored_is_kept(make_context: MakeContext) -> None:
    """The next clean-up tries again."""
    ctx = make_context()
    (ctx.paths.data / "ip-forward").write_text("0\n")
    StandIns(ctx).add("sysctl", script="echo 'permission denied' >&2; exit 255")
    with pytest.raises(ProgramFailed, match=r"^test\.step: sysctl exited with 255$"):
        await stop_forwarding.body(ctx)
    assert len(await find_forwarding(ctx)) == 1


async def test_this_machine_is_the_gateway_of_floating_addresses(make_context: MakeContext) -> None:
    """It gets the first one."""
    ctx = make_context(floating_range="10.7.0.0/28")
    programs = StandIns(ctx)
    programs.add("ip")
    assert await gateway.body(ctx) == "10.7.0.1/28 on br-ex"
    assert programs.calls == ["ip link set br-ex up", "ip address replace 10.7.0.1/28 dev br-ex"]


async def test_with_ipv6_it_also_has_an_ipv6_address(make_context: MakeContext) -> None:
    """It is used at once, without duplicate address detection."""
    ctx = make_context(use_ipv6=True)
    programs = StandIns(ctx)
    programs.add("ip")
    address = f"{external_v6(ctx.paths).network_address + 1}/64"
    assert await gateway.body(ctx) == f"10.6.0.1/27 and {address} on br-ex"
    assert programs.calls[-1] == f"ip address replace {address} dev br-ex nodad"
