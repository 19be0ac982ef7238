"""neutron's configuration files."""

from configparser import RawConfigParser
from pathlib import Path

import pytest

from novaflow.model.component import Component
from tests.support.contexts import open_context
from tests.support.settings import make_settings
from workflows.services.neutron.config import config_file, write_configs
from workflows.services.neutron.resolvers import find_resolvers
from workflows.services.neutron.settings import NetMan

L3, METADATA = (Component(f"neutron-{name}-agent", "An agent.") for name in ("l3", "metadata"))


async def read(root: Path, name: str, *components: Component, **settings: object) -> RawConfigParser:
    """Return one of the files as it is written for the components and settings."""
    config = RawConfigParser()
    async with open_context(root, *components, settings=make_settings(**settings)) as ctx:
        await write_configs(ctx)
        config.read(config_file(ctx, name))
    return config


@pytest.mark.parametrize(("net_man", "types"), [(NetMan.VLAN, "vlan"), (NetMan.FLAT, ""), (NetMan.FLAT_DHCP, "")])
async def test_net_man_selects_the_networks_of_projects(tmp_path: Path, net_man: NetMan, types: str) -> None:
    """With the flat managers, projects cannot create networks: all share one."""
    config = await read(tmp_path, "ml2.ini", net_man=net_man)
    assert config["ml2"]["project_network_types"] == types
    assert config["ml2_type_vlan"]["network_vlan_ranges"] == "servers:100:299"


@pytest.mark.parametrize(
    ("components", "isolated", "forced", "by_l3_agent"),
    [
        ((), "false", "false", "false"),
        ((METADATA,), "true", "true", "true"),
        ((METADATA, L3), "true", "false", "true"),
        ((L3,), "false", "false", "false"),
    ],
)
async def test_metadata_are_served_on_every_network(
    tmp_path: Path, components: tuple[Component, ...], isolated: str, forced: str, by_l3_agent: str
) -> None:
    """By the L3 agent through routers, by the DHCP agent where there is none; by neither without a metadata agent."""
    dhcp = await read(tmp_path, "dhcp-agent.ini", *components)
    l3 = await read(tmp_path, "l3-agent.ini", *components)
    assert dhcp["DEFAULT"]["enable_isolated_metadata"] == isolated
    assert dhcp["DEFAULT"]["force_metadata"] == forced
    assert l3["DEFAULT"]["enable_metadata_proxy"] == by_l3_agent


@pytest.mark.parametrize(("components", "plugins"), [((), "trunk"), ((L3,), "router,trunk")])
async def test_routers_need_the_l3_agent(tmp_path: Path, components: tuple[Component, ...], plugins: str) -> None:
    """Without the agent, the API has no routers."""
    assert (await read(tmp_path, "neutron.conf", *components))["DEFAULT"]["service_plugins"] == plugins


async def test_files_with_passwords_are_private(tmp_path: Path) -> None:
    """Others can read neither the servers' file nor that of the metadata agent."""
    async with open_context(tmp_path) as ctx:
        await write_configs(ctx)
        modes = {name: config_file(ctx, name).stat().st_mode & 0o777 for name in ("neutron.conf", "metadata-agent.ini")}
    assert modes == {"neutron.conf": 0o600, "metadata-agent.ini": 0o600}


async def test_nova_and_the_agent_share_a_secret(tmp_path: Path) -> None:
    """The agent signs requests for metadata with it, and sends them to nova's port."""
    config = await read(tmp_path, "metadata-agent.ini", METADATA)
    async with open_context(tmp_path) as ctx:
        assert config["DEFAULT"]["metadata_proxy_shared_secret"] == ctx.secret("metadata")
    assert config["DEFAULT"]["nova_metadata_port"] == "8775"


@pytest.mark.parametrize(("novaflow_nat", "servers"), [(True, ",".join(find_resolvers())), (False, "")])
async def test_nat_servers_resolve_names(tmp_path: Path, novaflow_nat: bool, servers: str) -> None:  # noqa: FBT001
    """With NOVAFLOW_NAT=1, the DHCP server forwards their questions to the name servers of this machine."""
    config = await read(tmp_path, "dhcp-agent.ini", novaflow_nat=novaflow_nat)
    assert config["DEFAULT"].get("dnsmasq_dns_servers", "") == servers


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("# mine\nsearch example.com\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n", "nameserver 192.0.2.3\n", ("192.0.2.1", "192.0.2.2")),
        ("nameserver 127.0.0.53\noptions edns0\n", "nameserver 192.0.2.3\n", ("192.0.2.3",)),
        ("nameserver ::1\nnameserver 2001:db8::1\nnameserver\n", None, ()),
        (None, None, ()),
    ],
)
def test_reachable_name_servers_are_found(tmp_path: Path, first: str | None, second: str | None, found: tuple[str, ...]) -> None:
    """Those on the loopback interface are not reachable for servers: systemd-resolved lists the real ones in its own file."""
    files = [tmp_path / "first", tmp_path / "second"]
    for file, text in zip(files, (first, second), strict=True):
        if text is not None:
            file.write_text(text)
    assert find_resolvers(files) == found
