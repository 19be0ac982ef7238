"""The cloud as its user sees it: flavors, a network, and whether a server could be placed."""

from dataclasses import dataclass

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.probe import NotYet
from novaflow.model.step import EVERYTHING, step
from workflows.services.neutron.config import PHYSICAL, fixed_v6
from workflows.services.neutron.settings import NetMan, NetworkSettings
from workflows.services.openstack import Api


@dataclass(frozen=True, slots=True)
class Flavor:
    """How much a server gets; the disk is what it may grow to."""

    id: str
    name: str
    memory_mib: int
    processors: int
    disk_gib: int


# Each with a disk: without one, Nova lets only administrators boot a flavor from an image.
FLAVORS = (Flavor("1", "m1.tiny", 128, 1, 1), Flavor("2", "m1.small", 512, 1, 1), Flavor("3", "m1.medium", 2048, 2, 10))
NETWORK = "private"
SSH = {"protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
OPEN = ({"ethertype": "IPv4", "protocol": "icmp"}, {"ethertype": "IPv4", **SSH})  # as nova.sh's users had it
OPEN_V6 = ({"ethertype": "IPv6", "protocol": "ipv6-icmp"}, {"ethertype": "IPv6", **SSH})


@step(needs=("nova-api", "keystone"), within_s=60)
async def flavors(ctx: Context) -> str:
    """Make the flavors."""
    api = Api.logged_in(ctx)
    for flavor in FLAVORS:
        new = {"id": flavor.id, "name": flavor.name, "ram": flavor.memory_mib, "vcpus": flavor.processors, "disk": flavor.disk_gib}
        await api.call("POST", api.compute("/flavors"), {"flavor": new})
    return ", ".join(flavor.name for flavor in FLAVORS)


# A network made before an agent lives keeps a DHCP port that is bound to nothing.
@step(needs=("neutron-api", "neutron-openvswitch-agent", "neutron-dhcp-agent", "keystone"), within_s=60)
async def network(ctx: Context) -> str:
    """Make the private network, and let pings and ssh in."""
    api = Api.logged_in(ctx)
    flat = {"provider:network_type": "flat", "provider:physical_network": PHYSICAL, "shared": True}  # the one that all projects have
    kind = {} if ctx.settings.of(NetworkSettings).net_man is NetMan.VLAN else flat
    made = (await api.call("POST", api.network("/networks"), {"network": {"name": NETWORK, **kind}}))["network"]
    subnet = {
        "network_id": made["id"],
        "name": NETWORK,
        "ip_version": 4,
        "cidr": str(ctx.settings.of(NetworkSettings).fixed_range),
        "enable_dhcp": ctx.settings.of(NetworkSettings).net_man is not NetMan.FLAT,
    }
    await api.call("POST", api.network("/subnets"), {"subnet": subnet})
    if ctx.settings.of(NetworkSettings).use_ipv6:
        modes = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}  # the router tells, servers choose
        subnet_v6 = {"network_id": made["id"], "name": f"{NETWORK}-v6", "ip_version": 6, "cidr": str(fixed_v6(ctx.paths)), **modes}
        await api.call("POST", api.network("/subnets"), {"subnet": subnet_v6})
    groups = (await api.call("GET", api.network(f"/security-groups?project_id={api.project_id}&name=default")))["security_groups"]
    for rule in (*OPEN, *OPEN_V6) if ctx.settings.of(NetworkSettings).use_ipv6 else OPEN:
        new = {"security_group_id": groups[0]["id"], "direction": "ingress", **rule}
        await api.call("POST", api.network("/security-group-rules"), {"security_group_rule": new})
    ranges = [
        str(ctx.settings.of(NetworkSettings).fixed_range),
        *([str(fixed_v6(ctx.paths))] if ctx.settings.of(NetworkSettings).use_ipv6 else []),
    ]
    return f"{NETWORK}, {' and '.join(ranges)}"


@step(needs=(EVERYTHING,), within_s=120)
async def ready(ctx: Context) -> str:
    """Wait until a server could be placed: compute up, its host mapped, a candidate for the smallest flavor."""
    api = Api.logged_in(ctx)

    async def ask() -> str:
        services = (await api.call("GET", api.compute("/os-services?binary=nova-compute")))["services"]
        if not any(service["state"] == "up" for service in services):
            raise NotYet("nova lists no compute that is up")
        hosts = (await api.call("GET", api.compute("/os-hypervisors")))["hypervisors"]
        if not hosts:
            raise NotYet("the host is not mapped to a cell yet")
        wanted = f"VCPU:{FLAVORS[0].processors},MEMORY_MB:{FLAVORS[0].memory_mib}"
        url = api.placement(f"/allocation_candidates?resources={wanted}")
        candidates = (await api.call("GET", url, headers={"OpenStack-API-Version": "placement 1.39"}))["allocation_requests"]
        if not candidates:
            raise NotYet(f"placement has no candidate for {wanted}")
        return f"{hosts[0]['hypervisor_hostname']} could take a {FLAVORS[0].name}"

    return await ctx.wait(ask, within_s=110)


COMPONENT = Component(name="cloud", summary="What the cloud's user sees.", parts={"run": (flavors, network, ready)})
