"""The steps of `verify`: the server is reached, and it is deleted where a step fails."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from novaflow.errors import StepFailed
from novaflow.model.component import Component
from novaflow.model.step import Skipped
from tests.support.rest import RestServer, open_cloud_context
from tests.support.settings import make_settings
from tests.support.stand_ins import StandIns
from workflows.infra.libvirt.settings import LibvirtType
from workflows.services.neutron.settings import NetMan
from workflows.verify.basic import boot, delete, lease, ping

LIST = "/compute/servers/detail?name=^novaflow-verify$"
SERVER = {"id": "s", "addresses": {"private": [{"version": 4, "addr": "10.0.0.7"}]}}
L3 = Component("neutron-l3-agent", "An agent.")
PONG = "64 bytes from 10.0.0.7: seq=0 ttl=64 time=0.4 ms"


def list_servers(rest: RestServer, *answers: Sequence[Mapping[str, object]]) -> None:
    """Prepare the lists of servers that nova returns one after another."""
    for servers in answers:
        rest.respond("GET", LIST, {"servers": servers})


async def test_a_server_that_fails_to_boot_is_deleted(tmp_path: Path, rest: RestServer) -> None:
    """The error is that of the boot, and the step waits for the deletion."""
    list_servers(rest, [], [], [{"id": "s"}], [{"id": "s"}], [])
    rest.respond("GET", "/image/v2/images?name=ami-tty", {"images": [{"id": "i"}]})
    rest.respond("GET", "/network/v2.0/networks?name=private", {"networks": [{"id": "n"}]})
    rest.respond("POST", "/compute/servers", {"server": {"id": "s"}})
    rest.respond("GET", "/compute/servers/s", {"server": {"status": "ERROR"}})
    rest.respond("DELETE", "/compute/servers/s")
    async with open_cloud_context(tmp_path, rest) as ctx:
        with pytest.raises(StepFailed, match=r"^server s is in state ERROR: None$"):
            await boot.body(ctx)
    assert [request.method for request in rest.requests][-3:] == ["DELETE", "GET", "GET"]


@pytest.mark.parametrize(
    ("line", "answer"), [("tty: lease of 10.0.0.7", "lease of 10.0.0.7"), ("tty: address 10.0.0.7", "address 10.0.0.7")]
)
async def test_the_address_is_on_the_console(tmp_path: Path, rest: RestServer, line: str, answer: str) -> None:
    """It is from DHCP or from a config drive."""
    list_servers(rest, [SERVER])
    rest.respond("POST", "/compute/servers/s/action", {"output": f"Linux\n{line}\n"})
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert await lease.body(ctx) == answer
    assert rest.bodies("POST", "/compute/servers/s/action") == [{"os-getConsoleOutput": {"length": 20}}]


@pytest.mark.parametrize(("net_man", "namespace"), [(NetMan.VLAN, "qdhcp-n"), (NetMan.FLAT_DHCP, "qdhcp-n"), (NetMan.FLAT, "qrouter-r")])
async def test_a_ping_leaves_from_a_namespace_of_the_network(tmp_path: Path, rest: RestServer, net_man: NetMan, namespace: str) -> None:
    """It is that of the DHCP server or, without one, that of the router; the first reply may be late."""
    list_servers(rest, [SERVER])
    rest.respond("GET", "/network/v2.0/networks?name=private", {"networks": [{"id": "n"}]})
    rest.respond("GET", "/network/v2.0/routers?name=router", {"routers": [{"id": "r"}]})
    async with open_cloud_context(tmp_path, rest, L3, settings=make_settings(net_man=net_man)) as ctx:
        programs = StandIns(ctx)
        programs.add("ip", script=f'[ -e was-called ] && echo "{PONG}" && exit; touch was-called; exit 1')
        assert await ping.body(ctx) == PONG
        assert programs.calls == [f"ip netns exec {namespace} /bin/busybox ping -c 1 -W 1 10.0.0.7"] * 2


async def test_a_flat_network_without_router_cannot_be_reached(tmp_path: Path, rest: RestServer) -> None:
    """The step is skipped, with the reason."""
    list_servers(rest, [SERVER])
    async with open_cloud_context(tmp_path, rest, settings=make_settings(net_man=NetMan.FLAT)) as ctx:
        assert await ping.body(ctx) == Skipped("the network has neither a DHCP server nor a router")


async def test_the_last_step_deletes_the_server(tmp_path: Path, rest: RestServer) -> None:
    """A check leaves nothing."""
    list_servers(rest, [SERVER], [])
    rest.respond("DELETE", "/compute/servers/s")
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert await delete.body(ctx) == "server deleted"


@pytest.mark.parametrize("step", [lease, ping])
def test_simulated_servers_are_not_reached(step: object) -> None:
    """Nova's fake driver runs none."""
    assert not step.when(make_settings(libvirt_type=LibvirtType.FAKE))  # type: ignore[attr-defined]
    assert step.when(make_settings(libvirt_type=LibvirtType.QEMU))  # type: ignore[attr-defined]
