"""Network resources that a stack left on the machine: namespaces, links, firewall rules and address sets of its servers' networks.

A resource belongs to the stack if its name contains an id that the stack's files contain. Links with common names, such as
`br-int`, have an alias that names the stack.
"""

import json
import re
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.orphan import OrphanedResource
from workflows.infra.openvswitch.bridges import stack_mark
from workflows.platform.orphans import Remove

NAMESPACES = Path("/run/netns")
OUT_CHAIN = "novaflow-out"  # of the rules that NOVAFLOW_NAT adds
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAMESPACE = re.compile(rf"q(?:dhcp|router)-({_ID.pattern})")
# The name of a port ends with the first 11 characters of its id, as do those of the bridge, veth pair and tap of a server's port.
# The switch has a bridge for each trunk, whose name ends with 10 characters of the id of the trunk.
_PORT = re.compile(r"(?:qvo|tap|qr-|qg-)[0-9a-f]{8}-[0-9a-f]{2}|tbr-[0-9a-f]{8}-[0-9a-f]")
_SERVER_LINKS = ("qvo", "qvb", "qbr", "tap")
_LINK = re.compile(rf"(?:{'|'.join(_SERVER_LINKS)})([0-9a-f]{{8}}-[0-9a-f])[0-9a-f]")
# Chains of the Open vSwitch agent, also of another stack's; the name of a port's chain contains the first 10 characters of its id.
_CHAIN = re.compile(r"neutron-(?:openvswi|filter)[\w-]*")
_CHAIN_PORT = re.compile(r"(?:-[ios]|tap|qvb)([0-9a-f]{8}-[0-9a-f])")
_IPSET = re.compile(r"N?IPv[46][0-9a-f-]+")


async def find_network(ctx: Context) -> Sequence[OrphanedResource]:
    """Return the namespaces, links, firewall rules and address sets that the stack left."""
    ports = await find_ports(ctx)
    return [
        *await _find_namespaces(ctx, ports),
        *await _find_links(ctx, ports),
        *await _find_rules(ctx, "iptables", ports),
        *await _find_rules(ctx, "ip6tables", ports),
        *await _find_ipsets(ctx, ports),
    ]


async def find_ports(ctx: Context) -> Sequence[str]:
    """Return the names of the ports that neutron and nova created on the stack's switch, from the file of its database."""
    database = ctx.paths.data / "ovs" / "conf.db"
    if not database.exists():
        return []
    query = ["Open_vSwitch", {"op": "select", "table": "Interface", "where": [], "columns": ["name"]}]
    answer = json.loads(await ctx.run("ovsdb-tool", "query", database, json.dumps(query)))
    return [row["name"] for row in answer[0]["rows"] if _PORT.fullmatch(row["name"])]


def links_of(port: str) -> Sequence[str]:
    """Return the links of a port: the port itself, and the bridge, veth pair and tap of a server's port."""
    kind, port_id = port[:3], port[3:]
    return [f"{one}{port_id}" for one in _SERVER_LINKS] if kind == "qvo" else [port]


async def _find_namespaces(ctx: Context, ports: Sequence[str]) -> Sequence[OrphanedResource]:
    known = {found for path in (ctx.paths.data / "neutron").rglob("*") for found in _ID.findall(path.name)}
    found = []
    for name in sorted(path.name for path in NAMESPACES.glob("q*-*")) if NAMESPACES.is_dir() else []:
        if match := _NAMESPACE.fullmatch(name):
            if match[1] in known:
                found.append(OrphanedResource("namespace", name, f"{ctx.paths.data}/neutron contains its id"))
            elif reason := await _judge_namespace(ctx, name, ports):
                found.append(OrphanedResource("namespace", name, reason))
    return found


async def _judge_namespace(ctx: Context, name: str, ports: Sequence[str]) -> str | None:
    """Return why a namespace whose id is in no file belongs to the stack, ``None`` if it does not."""
    shown = await ctx.run("ip", "-netns", name, "-json", "link", "show", ok=(0, 1, 255))
    if not shown:  # an agent was killed while it created the namespace
        return "its file is not a mounted namespace"
    held = {link["ifname"] for link in json.loads(shown)} & {*ports}
    return f"it contains {min(held)}, a port of the stack's switch" if held else None


async def _find_links(ctx: Context, ports: Sequence[str]) -> Sequence[OrphanedResource]:
    links: list[Mapping[str, str]] = json.loads(await ctx.run("ip", "-json", "link", "show"))
    owners = {link: port for port in ports for link in links_of(port)}
    found = []
    for link in links:
        name = link["ifname"]
        if name in owners:
            found.append(OrphanedResource("link", name, f"it belongs to {owners[name]}, a port of the stack's switch"))
        elif link.get("ifalias") == stack_mark(ctx.paths):
            found.append(OrphanedResource("link", name, f"its alias is {link['ifalias']}"))
    return found


async def _find_rules(ctx: Context, command: str, ports: Sequence[str]) -> Sequence[OrphanedResource]:
    count = sum(_is_stacks_rule(line, ports) for line in await _read_rules(ctx, command))
    reason = "they belong to ports of the stack, or to no port"
    return [OrphanedResource(command, f"{count} rules and chains", reason)] if count else []


async def _find_ipsets(ctx: Context, ports: Sequence[str]) -> Sequence[OrphanedResource]:
    """Return the address sets of the agent; none if another stack has ports, because its rules may use them."""
    if _find_other_ports(ports):
        return []
    names = (await ctx.run("ipset", "list", "-name", ok=(0, 1))).split()
    return [OrphanedResource("ipset", name, "rules of the stack's ports used it") for name in names if _IPSET.fullmatch(name)]


async def _read_rules(ctx: Context, command: str) -> list[str]:
    return (await ctx.run(f"{command}-save", ok=(0, 1))).splitlines()


def _is_stacks_rule(line: str, ports: Sequence[str]) -> bool:
    """Return whether a line of iptables-save belongs to the stack; the agent's common chains do if no other stack has ports."""
    if not _CHAIN.search(line):
        return OUT_CHAIN in line
    named = {*_CHAIN_PORT.findall(line)}
    return bool(named & _port_ids(ports)) or not _find_other_ports(ports)


def _find_other_ports(ports: Sequence[str]) -> set[str]:
    """Return the ids of server ports of other stacks, from the links of this machine."""
    matches = (_LINK.fullmatch(name) for _, name in socket.if_nameindex())
    return {match[1] for match in matches if match} - _port_ids(ports)


def _port_ids(ports: Sequence[str]) -> set[str]:
    return {port[3:-1] for port in ports}


async def _delete_link(ctx: Context, link: str) -> None:
    # The kernel deletes both ends of a veth pair.
    if link in {name for _, name in socket.if_nameindex()}:
        await ctx.run("ip", "link", "delete", link)


async def _delete_namespace(ctx: Context, namespace: str) -> None:
    await ctx.run("ip", "netns", "delete", namespace)


def _delete_rules(command: str) -> Remove:
    async def delete(ctx: Context, _: str) -> None:
        ports = await find_ports(ctx)
        kept = [line for line in await _read_rules(ctx, command) if not _is_stacks_rule(line, ports) and not line.startswith("#")]
        # One restore of all other rules is atomic and keeps their counters.
        await ctx.run(f"{command}-restore", "--counters", stdin=("\n".join(kept) + "\n").encode())

    return delete


async def _destroy_ipset(ctx: Context, name: str) -> None:
    await ctx.run("ipset", "destroy", name)


REMOVERS: Mapping[str, Remove] = {
    "link": _delete_link,
    "namespace": _delete_namespace,
    "iptables": _delete_rules("iptables"),
    "ip6tables": _delete_rules("ip6tables"),
    "ipset": _destroy_ipset,
}
