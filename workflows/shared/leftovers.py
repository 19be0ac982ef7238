"""What neutron leaves on a machine when its agents are gone, and how exactly the stack's own is removed."""

import json
import re
import socket
from pathlib import Path

from novaflow.model.component import Context
from workflows.shared.openvswitch import BRIDGES, OWN_CARD

_SERVERS_PORT = re.compile(r"qvo([0-9a-f]{8}-[0-9a-f]{2})")  # a server's port on the integration bridge: the port's id begins so
_ROUTERS_PORTS = ("qr-", "qg-")
OUT_CHAIN = "novaflow-out"
_CHAIN = re.compile(rf"neutron-(openvswi|filter)[\w-]*|{OUT_CHAIN}")  # of iptables, from the Open vSwitch agent, and our own
_SET = re.compile(r"N?IPv[46][0-9a-f-]+")


async def find_ports(ctx: Context) -> list[str]:
    """Return the names of the ports the stack's switch had, but for the machine's own cards.

    Read from its database's file, which needs no server for that.
    """
    database = ctx.paths.data / "ovs" / "conf.db"
    if not database.exists():
        return []
    ours = ["external_ids", "excludes", ["map", [[OWN_CARD, "true"]]]]
    query = ["Open_vSwitch", {"op": "select", "table": "Interface", "where": [ours], "columns": ["name"]}]
    answer = json.loads(await ctx.run("ovsdb-tool", "query", database, json.dumps(query)))
    return [row["name"] for row in answer[0]["rows"]]


def links_of(port: str) -> list[str]:
    """Return the links that belong to a port: for a server's also its bridge, its cable and its tap."""
    if match := _SERVERS_PORT.fullmatch(port):
        return [f"{kind}{match[1]}" for kind in ("qvo", "qvb", "qbr", "tap")]
    return [port, "ovs-netdev"] if port in BRIDGES else [port]


async def remove_link(ctx: Context, link: str) -> bool:
    """Remove a network link if it is there, and return whether it was."""
    # Asked of the kernel: /sys shows the network namespace it was mounted in, which need not be ours.
    if link not in {name for _, name in socket.if_nameindex()}:
        return False
    await ctx.run("ip", "link", "delete", link, ok=(0, 1))  # 1: the other end of its cable took it along
    return True


async def remove_namespace(ctx: Context, namespace: str) -> bool:
    """Remove a network namespace if it is there, and return whether it was."""
    if not Path("/run/netns", namespace).exists():
        return False
    await ctx.run("ip", "netns", "delete", namespace)
    return True


async def find_routers(ctx: Context, ports: list[str]) -> list[str]:
    """Return the namespaces of routers that hold one of the ports; another stack's hold others."""
    wanted = {port for port in ports if port.startswith(_ROUTERS_PORTS)}
    found = []
    for namespace in (name for name in (await ctx.run("ip", "netns", "list")).split() if name.startswith("qrouter-")):
        shown = await ctx.run("ip", "-netns", namespace, "-json", "link", "show", ok=(0, 1, 255))
        # A name without a namespace, from an agent ended while it made one, is of no use to anybody.
        if not shown or wanted & {link["ifname"] for link in json.loads(shown)}:
            found.append(namespace)
    return found


async def remove_rules(ctx: Context, command: str) -> bool:
    """Remove the agent's chains and whatever leads into them from ``iptables`` or ``ip6tables``."""
    rules = await ctx.run(f"{command}-save", ok=(0, 1))
    if not _CHAIN.search(rules):
        return False
    kept = [line for line in rules.splitlines() if not _CHAIN.search(line) and not line.startswith("#")]
    # One restore of what is not ours: nothing is half removed, and counters stay.
    await ctx.run(f"{command}-restore", "--counters", stdin=("\n".join(kept) + "\n").encode())
    return True


async def remove_sets(ctx: Context) -> bool:
    """Remove the agent's sets of addresses, and return whether there were any."""
    names = [name for name in (await ctx.run("ipset", "list", "-name", ok=(0, 1))).split() if _SET.fullmatch(name)]
    for name in names:
        await ctx.run("ipset", "destroy", name)
    return bool(names)
