"""The networks of every stack, and the steps that create them."""

import os
from ipaddress import IPv6Network
from pathlib import Path

import pytest

from novaflow.model.check import Severity
from novaflow.model.component import Component
from novaflow.model.paths import Paths
from novaflow.model.probe import NotYet
from tests.support.rest import RestServer, open_cloud_context
from tests.support.settings import make_settings
from workflows.infra.database.origin import HOST_NAME, FixedSetting, write_origin
from workflows.services.cloud.component import network
from workflows.services.neutron.daemons import agent_probe
from workflows.services.neutron.external_network import gateway_v4, gateway_v6, router
from workflows.services.neutron.l3_agent import has_free_range_v6
from workflows.services.neutron.networks import external_v6, fixed_v6
from workflows.services.neutron.resolvers import find_resolvers
from workflows.services.neutron.settings import NetMan, NetworkSettings

UNIQUE_LOCAL = IPv6Network("fd00::/8")  # Source: RFC 4193, section 3.1


def test_a_stack_has_its_own_prefixes() -> None:
    """They are two unique local prefixes, which another folder does not have."""
    one, two = Paths(Path("/one")), Paths(Path("/two"))
    prefixes = {fixed_v6(one), external_v6(one), fixed_v6(two), external_v6(two)}
    assert len(prefixes) == 4
    assert all(prefix.prefixlen == 64 and prefix.subnet_of(UNIQUE_LOCAL) for prefix in prefixes)
    assert fixed_v6(one) == fixed_v6(Paths(Path("/one")))


def test_the_machine_has_the_first_address_of_the_external_network() -> None:
    """It is the gateway of floating addresses."""
    assert str(gateway_v4(make_settings(floating_range="10.6.0.0/27"))) == "10.6.0.1/27"
    paths = Paths(Path("/one"))
    assert gateway_v6(paths).ip == external_v6(paths).network_address + 1


def prepare_network(rest: RestServer) -> None:
    """Prepare the responses of neutron to the step that creates the private network."""
    rest.respond("GET", "/network/v2.0/networks?name=private&project_id=project", {"networks": []})
    rest.respond("POST", "/network/v2.0/networks", {"network": {"id": "n"}})
    for name in ("private", "private-v6"):
        rest.respond("GET", f"/network/v2.0/subnets?name={name}&network_id=n", {"subnets": []})
    rest.respond("POST", "/network/v2.0/subnets", {"subnet": {"id": "s"}})
    group = {"id": "g", "security_group_rules": [{"direction": "egress", "ethertype": "IPv4", "protocol": None}]}
    for project in ("project", "demo-project"):
        path = f"/network/v2.0/security-groups?project_id={project}&name=default"
        rest.respond("GET", path, {"security_groups": [{**group, "id": f"default of {project}"}]})
    rest.respond("POST", "/network/v2.0/security-group-rules", {})
    prepare_sharing(rest, [])


def prepare_sharing(rest: RestServer, policies: list[object]) -> None:
    """Prepare the responses about the project `demo`; ``policies`` are those that share the network ``n`` with it."""
    rest.respond("GET", "/identity/projects?name=demo&domain_id=default", {"projects": [{"id": "demo-project"}]})
    query = "object_type=network&object_id=n&action=access_as_shared&target_tenant=demo-project"
    rest.respond("GET", f"/network/v2.0/rbac-policies?{query}", {"rbac_policies": policies})
    rest.respond("POST", "/network/v2.0/rbac-policies", {})


@pytest.mark.parametrize(
    ("net_man", "created", "has_dhcp"),
    [
        (NetMan.VLAN, {"name": "private"}, True),
        (
            NetMan.FLAT,
            {"name": "private", "provider:network_type": "flat", "provider:physical_network": "servers", "shared": True},
            False,
        ),
        (
            NetMan.FLAT_DHCP,
            {"name": "private", "provider:network_type": "flat", "provider:physical_network": "servers", "shared": True},
            True,
        ),
    ],
)
async def test_net_man_determines_the_private_network(
    tmp_path: Path,
    rest: RestServer,
    net_man: NetMan,
    created: dict[str, object],
    has_dhcp: bool,  # noqa: FBT001
) -> None:
    """It is a VLAN of the administrator's project and of `demo`, or a shared flat network with or without DHCP."""
    prepare_network(rest)
    async with open_cloud_context(tmp_path, rest, settings=make_settings(net_man=net_man)) as ctx:
        assert await network.body(ctx) == "private, 10.0.0.0/24"
    assert rest.bodies("POST", "/network/v2.0/networks") == [{"network": created}]
    (subnet,) = rest.bodies("POST", "/network/v2.0/subnets")
    assert (subnet["subnet"]["cidr"], subnet["subnet"]["enable_dhcp"]) == ("10.0.0.0/24", has_dhcp)
    policy = {"object_type": "network", "object_id": "n", "action": "access_as_shared", "target_tenant": "demo-project"}
    shared = [] if "shared" in created else [{"rbac_policy": policy}]
    assert rest.bodies("POST", "/network/v2.0/rbac-policies") == shared


@pytest.mark.parametrize(("net_man", "is_given"), [(NetMan.FLAT, True), (NetMan.FLAT_DHCP, False)])
async def test_a_network_without_dhcp_has_name_servers_with_nat(
    tmp_path: Path,
    rest: RestServer,
    net_man: NetMan,
    is_given: bool,  # noqa: FBT001
) -> None:
    """They are on the config drive; elsewhere the DHCP server answers."""
    prepare_network(rest)
    async with open_cloud_context(tmp_path, rest, settings=make_settings(net_man=net_man, novaflow_nat=True)) as ctx:
        await network.body(ctx)
    (subnet,) = rest.bodies("POST", "/network/v2.0/subnets")
    assert subnet["subnet"].get("dns_nameservers") == ([*find_resolvers()] if is_given else None)


async def test_ping_and_ssh_are_allowed(tmp_path: Path, rest: RestServer) -> None:
    """In both projects; with USE_IPV6=1, both are allowed over IPv6 too, and the network has a second subnet."""
    prepare_network(rest)
    async with open_cloud_context(tmp_path, rest, settings=make_settings(use_ipv6=True)) as ctx:
        await network.body(ctx)
    rules = [body["security_group_rule"] for body in rest.bodies("POST", "/network/v2.0/security-group-rules")]
    assert [(rule["project_id"], rule["security_group_id"], rule["ethertype"], rule["protocol"]) for rule in rules] == [
        (project, f"default of {project}", ethertype, protocol)
        for project in ("project", "demo-project")
        for ethertype, protocol in (("IPv4", "icmp"), ("IPv4", "tcp"), ("IPv6", "ipv6-icmp"), ("IPv6", "tcp"))
    ]
    assert [body["subnet"]["name"] for body in rest.bodies("POST", "/network/v2.0/subnets")] == ["private", "private-v6"]


async def test_an_existing_network_is_kept(tmp_path: Path, rest: RestServer) -> None:
    """Nothing is created but the rules that are missing."""
    ssh = {"ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
    known = {"security_group_id": "g", "project_id": "project", "direction": "ingress"}
    group = {"id": "g", "security_group_rules": [{"id": "r", **known, **ssh}]}
    prepare_sharing(rest, [{"id": "policy"}])
    rest.respond("GET", "/network/v2.0/networks?name=private&project_id=project", {"networks": [{"id": "n"}]})
    rest.respond("GET", "/network/v2.0/subnets?name=private&network_id=n", {"subnets": [{"id": "s"}]})
    rest.respond("GET", "/network/v2.0/security-groups?project_id=project&name=default", {"security_groups": [group]})
    empty = {"id": "d", "security_group_rules": []}
    rest.respond("GET", "/network/v2.0/security-groups?project_id=demo-project&name=default", {"security_groups": [empty]})
    rest.respond("POST", "/network/v2.0/security-group-rules", {})
    async with open_cloud_context(tmp_path, rest) as ctx:
        assert await network.body(ctx) == "private, 10.0.0.0/24"
    created = [request for request in rest.requests if request.method == "POST"]
    rules = [request.body["security_group_rule"] for request in created]
    assert [(rule["security_group_id"], rule["protocol"]) for rule in rules] == [("g", "icmp"), ("d", "icmp"), ("d", "tcp")]


async def test_an_existing_router_is_kept(tmp_path: Path, rest: RestServer) -> None:
    """A subnet that it is not connected to is connected."""
    addresses = {"external_fixed_ips": [{"ip_address": "10.6.0.9"}]}
    rest.respond("GET", "/identity/projects?name=service", {"projects": [{"id": "service-project"}]})
    rest.respond("GET", "/network/v2.0/networks?name=public&project_id=service-project", {"networks": [{"id": "n"}]})
    rest.respond("GET", "/network/v2.0/subnets?name=public&network_id=n", {"subnets": [{"id": "s"}]})
    rest.respond("GET", "/network/v2.0/subnetpools?name=automatic&project_id=project", {"subnetpools": [{"id": "p"}]})
    rest.respond(
        "GET", "/network/v2.0/routers?name=router&project_id=project", {"routers": [{"id": "r", "external_gateway_info": addresses}]}
    )
    rest.respond("GET", "/network/v2.0/ports?device_id=r", {"ports": [{"fixed_ips": [{"subnet_id": "one"}]}]})
    rest.respond("GET", "/network/v2.0/networks?name=private&project_id=project", {"networks": [{"subnets": ["one", "two"]}]})
    rest.respond("PUT", "/network/v2.0/routers/r/add_router_interface", {})
    async with open_cloud_context(tmp_path, rest) as ctx:
        await router.body(ctx)
    assert [request.method for request in rest.requests if request.method != "GET"] == ["PUT"]
    assert rest.bodies("PUT", "/network/v2.0/routers/r/add_router_interface") == [{"subnet_id": "two"}]


async def test_a_router_connects_both_networks(tmp_path: Path, rest: RestServer) -> None:
    """The external network belongs to the project of services; each subnet of the private network has a port of the router."""
    addresses = {"external_fixed_ips": [{"ip_address": "10.6.0.9"}]}
    rest.respond("GET", "/identity/projects?name=service", {"projects": [{"id": "service-project"}]})
    rest.respond("GET", "/network/v2.0/networks?name=public&project_id=service-project", {"networks": []})
    rest.respond("POST", "/network/v2.0/networks", {"network": {"id": "n"}})
    rest.respond("GET", "/network/v2.0/subnets?name=public&network_id=n", {"subnets": []})
    rest.respond("GET", "/network/v2.0/subnetpools?name=automatic&project_id=project", {"subnetpools": []})
    rest.respond("POST", "/network/v2.0/subnetpools", {"subnetpool": {"id": "p"}})
    rest.respond("POST", "/network/v2.0/subnets", {"subnet": {"id": "s"}})
    rest.respond("GET", "/network/v2.0/routers?name=router&project_id=project", {"routers": []})
    rest.respond("GET", "/network/v2.0/ports?device_id=r", {"ports": []})
    rest.respond("POST", "/network/v2.0/routers", {"router": {"id": "r", "external_gateway_info": addresses}})
    rest.respond("GET", "/network/v2.0/networks?name=private&project_id=project", {"networks": [{"subnets": ["one", "two"]}]})
    rest.respond("PUT", "/network/v2.0/routers/r/add_router_interface", {})
    async with open_cloud_context(tmp_path, rest) as ctx:
        answer = await router.body(ctx)
    assert answer == "network public, 10.6.0.0/27, is connected to private by a router at 10.6.0.9"
    (created,) = rest.bodies("POST", "/network/v2.0/networks")
    assert (created["network"]["project_id"], created["network"]["router:external"]) == ("service-project", True)
    (pool,) = rest.bodies("POST", "/network/v2.0/subnetpools")
    assert created["network"]["is_default"]
    assert (pool["subnetpool"]["is_default"], pool["subnetpool"]["shared"]) == (True, True)
    (subnet,) = rest.bodies("POST", "/network/v2.0/subnets")
    assert (subnet["subnet"]["gateway_ip"], subnet["subnet"]["enable_dhcp"]) == ("10.6.0.1", False)
    assert rest.bodies("PUT", "/network/v2.0/routers/r/add_router_interface") == [{"subnet_id": "one"}, {"subnet_id": "two"}]


async def test_an_agent_is_ready_when_the_api_reports_it_alive(tmp_path: Path, rest: RestServer) -> None:
    """Before that the probe has an answer, too."""
    probe = agent_probe("neutron-dhcp-agent")
    async with open_cloud_context(tmp_path, rest) as ctx:
        path = f"/network/v2.0/agents?binary=neutron-dhcp-agent&host={os.uname().nodename}"
        rest.respond("GET", path, {"agents": [{"alive": False}]})
        rest.respond("GET", path, {"agents": [{"alive": True}]})
        with pytest.raises(NotYet, match=r"^neutron's API does not report the agent alive$"):
            await probe.check(ctx)
        assert await probe.check(ctx) == "neutron's API reports the agent alive"


async def test_an_agent_is_found_after_the_machine_was_renamed(tmp_path: Path, rest: RestServer) -> None:
    """The probe asks for the name that the agent was configured with."""
    async with open_cloud_context(
        tmp_path, rest, Component("one", "One.", declares=(FixedSetting(HOST_NAME.name, lambda _: "old"),))
    ) as ctx:
        await write_origin(ctx)
        rest.respond("GET", "/network/v2.0/agents?binary=neutron-dhcp-agent&host=old", {"agents": [{"alive": True}]})
        assert await agent_probe("neutron-dhcp-agent").check(ctx) == "neutron's API reports the agent alive"


def test_ipv6_is_checked_only_if_it_is_used(tmp_path: Path) -> None:
    """A kernel without IPv6 runs a stack with USE_IPV6=0."""
    result = has_free_range_v6(make_settings(), Paths(tmp_path))
    assert (result.severity, result.found) == (Severity.GOOD, "disabled")


def test_an_interface_that_does_not_exist_is_unavailable() -> None:
    """The loopback interface exists everywhere."""
    settings = make_settings(interface="lo", flat_interface="no-such-card0").of(NetworkSettings)
    assert [(one.names, one.reason.partition(";")[0]) for one in settings.find_unavailable()] == [
        (("FLAT_INTERFACE",), "this machine has no such network interface")
    ]
