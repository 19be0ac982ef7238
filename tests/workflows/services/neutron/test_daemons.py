"""What neutron's agents do before they start."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from novaflow.model.service import Service
from tests.support.contexts import open_context
from workflows.services.neutron.component import DHCP_AGENT, OPENVSWITCH_AGENT
from workflows.services.neutron.l3_agent import AGENT as L3_AGENT


@pytest.fixture
async def namespace() -> AsyncIterator[str]:
    """Create a namespace as that of a network, with a port that an earlier switch has left and others."""
    name = "qdhcp-test-daemons"
    await ip("netns", "add", name)
    try:
        for port, peer in (("tap-left", "other"), ("tap-in-use", "switch")):
            await ip("-n", name, "link", "add", port, "type", "veth", "peer", "name", peer)
        for port in ("tap-in-use", "switch"):
            await ip("-n", name, "link", "set", port, "up")
        yield name
    finally:
        await ip("netns", "delete", name)


async def ip(*arguments: str) -> bytes:
    """Run ``ip`` and return what it prints."""
    return (await anyio.run_process(["ip", *arguments])).stdout


async def links_before_start(agent: Service, folder: Path, namespace: str) -> set[str]:
    """Return the links of the namespace when the agent is about to start."""
    async with open_context(folder) as ctx:
        ctx.paths.run.mkdir()
        assert agent.before_start is not None
        await agent.before_start(ctx)
    return {link["ifname"] for link in json.loads(await ip("-n", namespace, "-json", "link", "show"))}


async def test_dead_ports_are_deleted(tmp_path: Path, namespace: str) -> None:
    """Without a carrier a port is of no use, and the agent would use it again."""
    assert await links_before_start(DHCP_AGENT, tmp_path, namespace) == {"lo", "tap-in-use", "switch"}


async def test_ports_of_another_agent_are_left(tmp_path: Path, namespace: str) -> None:
    """The other agent may be creating them, and waits ten times for a port that was deleted."""
    left = await links_before_start(L3_AGENT, tmp_path, namespace)
    assert left == {"lo", "tap-left", "other", "tap-in-use", "switch"}


async def test_a_namespace_that_does_not_exist_any_more_is_left(tmp_path: Path, namespace: str) -> None:
    """Its file is left after a restart of the machine."""
    left = Path("/run/netns/qdhcp-test-daemons-left")
    left.touch()
    try:
        await test_dead_ports_are_deleted(tmp_path, namespace)
    finally:
        left.unlink()


def test_agents_are_restarted_with_the_switch() -> None:
    """Their ports end with it; the agent of the switch has no ports of its own."""
    assert (DHCP_AGENT.restart_with, OPENVSWITCH_AGENT.restart_with) == (("ovs-vswitchd",), ("ovs-vswitchd",))
    assert OPENVSWITCH_AGENT.before_start is None
