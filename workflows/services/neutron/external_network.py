"""The external network, which floating addresses belong to, and the router between it and the network of servers."""

from ipaddress import IPv4Interface, IPv6Interface, ip_address
from typing import Any

from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from novaflow.model.step import step
from workflows.infra.openvswitch.bridges import EXTERNAL
from workflows.services.keystone.client import Api, admin_api
from workflows.services.keystone.identity import SERVICE_PROJECT
from workflows.services.neutron.networks import EXTERNAL_PHYSICAL, PRIVATE, PUBLIC, external_v6, fixed_v6
from workflows.services.neutron.settings import NetworkSettings

IPV6 = 6  # a value of ipaddress' attribute `version`
# A project without a network gets one when it creates a server without naming a network: neutron allocates it from the default pool,
# and connects it to the default external network.
AUTOMATIC = {"name": "automatic", "prefixes": ["10.64.0.0/16"], "default_prefixlen": 24, "shared": True, "is_default": True}


# A port that is created before the agents are up has no binding.
@step(needs=("cloud.network", "neutron-l3-agent", "neutron-openvswitch-agent"), within_s=60)
async def router(ctx: Context) -> str:
    """Create the external network, the router between it and the network of servers, and a pool of subnets; what exists is kept."""
    api = admin_api(ctx)
    public_id = await _ensure_network(api)
    await api.ensure("network", "/v2.0/subnetpools", "subnetpool", AUTOMATIC, project_id=api.project_id)
    for subnet in _subnets(ctx):
        new = {"network_id": public_id, "enable_dhcp": False, **subnet}
        await api.ensure("network", "/v2.0/subnets", "subnet", new, network_id=public_id)
    gateway = {"external_gateway_info": {"network_id": public_id}}
    router = await api.ensure("network", "/v2.0/routers", "router", {"name": "router", **gateway}, project_id=api.project_id)
    await _connect_private(api, router["id"])
    addresses = [ip_address(each["ip_address"]) for each in router["external_gateway_info"]["external_fixed_ips"]]
    for address in (address for address in addresses if address.version == IPV6):
        await ctx.run("ip", "route", "replace", str(fixed_v6(ctx.paths)), "via", str(address), "dev", EXTERNAL)
    floating = ctx.settings.of(NetworkSettings).floating_range
    return f"network {PUBLIC}, {floating}, is connected to {PRIVATE} by a router at {' and '.join(map(str, addresses))}"


async def _connect_private(api: Api, router_id: str) -> None:
    """Connect each subnet of the network of servers that is not connected."""
    ports = (await api.get("network", f"/v2.0/ports?device_id={router_id}"))["ports"]
    connected = {address["subnet_id"] for port in ports for address in port["fixed_ips"]}
    private = (await api.get("network", f"/v2.0/networks?name={PRIVATE}&project_id={api.project_id}"))["networks"][0]
    for subnet_id in (subnet for subnet in private["subnets"] if subnet not in connected):
        await api.put("network", f"/v2.0/routers/{router_id}/add_router_interface", {"subnet_id": subnet_id})


async def _ensure_network(api: Api) -> str:
    # Not in the administrator's project, whose servers would have a choice of two networks.
    project = (await api.get("identity", f"/projects?name={SERVICE_PROJECT}"))["projects"][0]["id"]
    network = {
        "name": PUBLIC,
        "project_id": project,
        "router:external": True,
        "is_default": True,
        "provider:network_type": "flat",
        "provider:physical_network": EXTERNAL_PHYSICAL,
    }
    return str((await api.ensure("network", "/v2.0/networks", "network", network, project_id=project))["id"])


def _subnets(ctx: Context) -> list[dict[str, Any]]:
    settings = ctx.settings.of(NetworkSettings)
    v4 = {
        "name": PUBLIC,
        "ip_version": 4,
        "cidr": str(settings.floating_range),
        "gateway_ip": str(gateway_v4(ctx.settings).ip),
    }
    gateway = gateway_v6(ctx.paths)
    v6 = {"name": f"{PUBLIC}-v6", "ip_version": 6, "cidr": str(gateway.network), "gateway_ip": str(gateway.ip)}
    return [v4, v6] if settings.use_ipv6 else [v4]


def gateway_v4(settings: Settings) -> IPv4Interface:
    """Return the address of this machine in the external network: the first one of the floating range."""
    floating = settings.of(NetworkSettings).floating_range
    return IPv4Interface((floating.network_address + 1, floating.prefixlen))


def gateway_v6(paths: Paths) -> IPv6Interface:
    """Return the IPv6 address of this machine in the external network."""
    prefix = external_v6(paths)
    return IPv6Interface((prefix.network_address + 1, prefix.prefixlen))
