"""The flavors and the network that every cloud offers, and the check that it can boot a server."""

from dataclasses import dataclass
from urllib.parse import urlencode

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.probe import NotYet
from novaflow.model.settings import Settings
from novaflow.model.step import EVERYTHING, step
from workflows.services.keystone.client import Api, admin_api
from workflows.services.keystone.demo import find_demo_project
from workflows.services.neutron.networks import PRIVATE, SERVERS_PHYSICAL, fixed_v6
from workflows.services.neutron.resolvers import find_resolvers
from workflows.services.neutron.settings import NetMan, NetworkSettings


@dataclass(frozen=True, slots=True)
class Flavor:
    """The size of a server; ``disk_gib`` is the size that its disk can grow to."""

    id: str
    name: str
    memory_mib: int
    processors: int
    disk_gib: int


# Each has a disk: nova allows only administrators to boot an image with a flavor that has none.
FLAVORS = (Flavor("1", "m1.tiny", 128, 1, 1), Flavor("2", "m1.small", 512, 1, 1), Flavor("3", "m1.medium", 2048, 2, 10))
SSH = {"protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
RULES = ({"ethertype": "IPv4", "protocol": "icmp"}, {"ethertype": "IPv4", **SSH})  # nova.sh allowed the same
RULES_V6 = ({"ethertype": "IPv6", "protocol": "ipv6-icmp"}, {"ethertype": "IPv6", **SSH})


@step(needs=("nova-api", "keystone"), within_s=60)
async def flavors(ctx: Context) -> str:
    """Create the flavors that do not exist."""
    api = admin_api(ctx)
    existing = {flavor["id"] for flavor in (await api.get("compute", "/flavors?is_public=None"))["flavors"]}
    for flavor in (flavor for flavor in FLAVORS if flavor.id not in existing):
        new = {"id": flavor.id, "name": flavor.name, "ram": flavor.memory_mib, "vcpus": flavor.processors, "disk": flavor.disk_gib}
        await api.post("compute", "/flavors", {"flavor": new})
    return ", ".join(flavor.name for flavor in FLAVORS)


# In a network that is created before its agents are up, the DHCP port has no binding.
@step(needs=("neutron-api", "neutron-openvswitch-agent", "neutron-dhcp-agent", "keystone", "keystone.demo"), within_s=60)
async def network(ctx: Context) -> str:
    """Create the private network of the administrator and of `demo`, and allow ping and ssh to servers; what exists is kept."""
    api, settings = admin_api(ctx), ctx.settings.of(NetworkSettings)
    network_id = await _ensure_network(api, settings.net_man)
    for subnet in _subnets(ctx):
        await api.ensure("network", "/v2.0/subnets", "subnet", {"network_id": network_id, **subnet}, network_id=network_id)
    demo = await find_demo_project(api)
    if settings.net_man is NetMan.VLAN:  # other networks are shared with every project
        await _share_network(api, network_id, demo)
    for project_id in (api.project_id, demo):
        await _allow_access(api, project_id, ctx.settings)
    ranges = [str(settings.fixed_range), *([str(fixed_v6(ctx.paths))] if settings.use_ipv6 else [])]
    return f"{PRIVATE}, {' and '.join(ranges)}"


async def _ensure_network(api: Api, net_man: NetMan) -> str:
    flat = {"provider:network_type": "flat", "provider:physical_network": SERVERS_PHYSICAL, "shared": True}
    network = {"name": PRIVATE, **({} if net_man is NetMan.VLAN else flat)}
    return str((await api.ensure("network", "/v2.0/networks", "network", network, project_id=api.project_id))["id"])


def _subnets(ctx: Context) -> list[dict[str, object]]:
    settings = ctx.settings.of(NetworkSettings)
    has_dhcp = settings.net_man is not NetMan.FLAT
    v4: dict[str, object] = {"name": PRIVATE, "ip_version": 4, "cidr": str(settings.fixed_range), "enable_dhcp": has_dhcp}
    if settings.novaflow_nat and not has_dhcp:  # else the DHCP server forwards their questions
        v4["dns_nameservers"] = list(find_resolvers())
    modes = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}  # the router advertises the prefix
    v6: dict[str, object] = {"name": f"{PRIVATE}-v6", "ip_version": 6, "cidr": str(fixed_v6(ctx.paths)), **modes}
    return [v4, v6] if settings.use_ipv6 else [v4]


async def _share_network(api: Api, network_id: str, project_id: str) -> None:
    """Let a project use the network; its servers get floating addresses through the router of the network, too."""
    policy = {"object_type": "network", "object_id": network_id, "action": "access_as_shared", "target_tenant": project_id}
    if not (await api.get("network", f"/v2.0/rbac-policies?{urlencode(policy)}"))["rbac_policies"]:
        await api.post("network", "/v2.0/rbac-policies", {"rbac_policy": policy})


async def _allow_access(api: Api, project_id: str, settings: Settings) -> None:
    """Add rules to the default security group of the project, which neutron creates when it is asked for it."""
    groups = (await api.get("network", f"/v2.0/security-groups?project_id={project_id}&name=default"))["security_groups"]
    for rule in (*RULES, *RULES_V6) if settings.of(NetworkSettings).use_ipv6 else RULES:
        new = {"security_group_id": groups[0]["id"], "project_id": project_id, "direction": "ingress", **rule}
        if not any(new.items() <= existing.items() for existing in groups[0]["security_group_rules"]):
            await api.post("network", "/v2.0/security-group-rules", {"security_group_rule": new})


@step(needs=(EVERYTHING,), within_s=120)
async def ready(ctx: Context) -> str:
    """Wait until nova can schedule a server with the smallest flavor."""
    api = admin_api(ctx)
    return await ctx.wait(lambda: _find_host(api), within_s=110)


async def _find_host(api: Api) -> str:
    """Return which host can run the smallest flavor.

    Raises: NotYet, if nova-compute is not up, its host is not mapped to a cell, or placement has no candidate.
    """
    services = (await api.get("compute", "/os-services?binary=nova-compute"))["services"]
    if not any(service["state"] == "up" for service in services):
        raise NotYet("nova lists no nova-compute that is up")
    hosts = (await api.get("compute", "/os-hypervisors"))["hypervisors"]
    if not hosts:
        raise NotYet("the host is not mapped to a cell yet")
    resources = f"VCPU:{FLAVORS[0].processors},MEMORY_MB:{FLAVORS[0].memory_mib}"
    path = f"/allocation_candidates?resources={resources}"
    candidates = (await api.get("placement", path, headers={"OpenStack-API-Version": "placement 1.39"}))["allocation_requests"]
    if not candidates:
        raise NotYet(f"placement has no candidate for {resources}")
    return f"host {hosts[0]['hypervisor_hostname']} can run an {FLAVORS[0].name}"


COMPONENT = Component(name="cloud", summary="Flavors and network of the cloud.", parts={"run": (flavors, network, ready)})
