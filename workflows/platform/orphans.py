"""What a stack leaves on a machine when nothing of it runs: how it is known for the stack's own, and how it is removed.

What carries an id that nobody else has is the stack's if its files know the id; a link with an everyday name, such as
`br-int`, if its alias names the stack.
"""

import json
import os
import re
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path

from novaflow.errors import ProgramFailed, StepFailed
from novaflow.model.context import Context
from novaflow.model.orphan import FindOrphans, OrphanedResource
from novaflow.model.step import Skipped, Step, step
from workflows.infra.openvswitch.bridges import stack_mark
from workflows.services.nova.settings import NovaSettings

CGROUPS = Path("/sys/fs/cgroup")
NAMESPACES = Path("/run/netns")
OUT_CHAIN = "novaflow-out"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAMESPACE = re.compile(rf"q(?:dhcp|router)-({_ID.pattern})")
# A port's name, and of a server's port also its bridge, its cable and its tap; they have the first 11 characters of its id.
_PORT = re.compile(r"(qvo|tap|qr-|qg-)([0-9a-f]{8}-[0-9a-f]{2})")
_SERVERS_LINKS = ("qvo", "qvb", "qbr", "tap")
_LINK = re.compile(rf"(?:{'|'.join(_SERVERS_LINKS)})([0-9a-f]{{8}}-[0-9a-f])[0-9a-f]")
# iptables' chains of the Open vSwitch agent, which may be another stack's too; one of a port has 10 characters of its id.
_CHAIN = re.compile(r"neutron-(?:openvswi|filter)[\w-]*")
_CHAINS_PORT = re.compile(r"(?:-[ios]|tap|qvb)([0-9a-f]{8}-[0-9a-f])")
_SET = re.compile(r"N?IPv[46][0-9a-f-]+")


async def find_network(ctx: Context) -> Sequence[OrphanedResource]:
    """Return the namespaces, links, rules and sets that are left of the stack's networks."""
    ports = await find_ports(ctx)
    return [
        *await _find_namespaces(ctx, ports),
        *await _find_links(ctx, ports),
        *[rules for command in ("iptables", "ip6tables") for rules in await _find_rules(ctx, command, ports)],
        *await _find_sets(ctx, ports),
    ]


async def find_disks(ctx: Context) -> Sequence[OrphanedResource]:
    """Return what is mounted where only the stack mounts, and the loop devices whose files are the stack's."""
    return [*_find_mounts(ctx), *await _find_loops(ctx)]


def _find_mounts(ctx: Context) -> Sequence[OrphanedResource]:
    # Not below DIR/data: there its user may have mounted a disk.
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place = Path(line.split()[4].encode().decode("unicode_escape"))  # a space is \040. Source: proc_pid_mountinfo(5)
        if ctx.paths.run in place.parents:
            found.append(OrphanedResource("mount", str(place), f"it is below {ctx.paths.run}"))
    return found[::-1]  # the last one mounted may stand on another


async def _find_loops(ctx: Context) -> Sequence[OrphanedResource]:
    answer = await ctx.run("losetup", "--list", "--json", "--output", "NAME,BACK-FILE,BACK-INO,BACK-MAJ:MIN")
    devices = json.loads(answer or '{"loopdevices": []}')["loopdevices"]
    # A file that was seen from libvirt's room has another path, or none, when the room is gone: its number stays.
    ours = (
        {_number(path) for folder in (ctx.paths.data, ctx.settings.of(NovaSettings).instances_path) for path in folder.rglob("*")}
        if devices
        else set()
    )
    return [
        OrphanedResource("loop", device["name"], f"its file is {device['back-file']}")
        for device in devices
        if ctx.paths.data in Path(device["back-file"]).parents or (device["back-maj:min"], int(device["back-ino"])) in ours
    ]


def _number(path: Path) -> tuple[str, int]:
    status = path.lstat()
    return f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}", status.st_ino


async def find_domains(ctx: Context) -> Sequence[OrphanedResource]:
    """Return the servers that the stack's libvirt still has in its books, and cgroups of containers that are gone."""
    books = [path for folder in _domains(ctx) for path in sorted(folder.glob("*.xml"))]
    return [*(OrphanedResource("domain", path.stem, f"{path} defines it") for path in books), *_find_cgroups()]


def _find_cgroups() -> Sequence[OrphanedResource]:
    # Directly below, where cgroups are of version 2; below each controller, where they are of version 1.
    name = "machine*/lxc-*-instance-*.libvirt-lxc"
    groups = [*CGROUPS.glob(name), *CGROUPS.glob(f"*/{name}")]
    return [OrphanedResource("cgroup", str(group), "nobody is in it") for group in groups if not any(_find_members(group))]


def _find_members(group: Path) -> Iterator[str]:
    return (pid for procs in group.rglob("cgroup.procs") for pid in procs.read_text().split())


def removal(find: FindOrphans) -> Step:
    """Return the step of `clean` that removes what ``find`` finds."""

    @step(within_s=60)
    async def remove_orphans(ctx: Context) -> Skipped | str:
        """Remove what the stack left on the machine."""
        return await remove_found(ctx, await find(ctx))

    return remove_orphans


async def remove_found(ctx: Context, found: Sequence[OrphanedResource]) -> Skipped | str:
    """Remove all of it and say how much of what; one that will not go keeps none of the others.

    Raises: StepFailed, naming what is still there and why.
    """
    refusals = []
    for one in found:
        try:
            await _REMOVERS[one.kind](ctx, one.name)
        except ProgramFailed as error:
            refusals.append(f"{one.kind} {one.name}: {error}")
    if refusals:
        raise StepFailed("\n".join(refusals))
    counted = Counter(one.kind for one in found)
    return ", ".join(f"{count} x {kind}" for kind, count in counted.items()) if found else Skipped("nothing was left")


async def find_ports(ctx: Context) -> Sequence[str]:
    """Return the names of the ports that neutron and nova made on the stack's switch.

    Read from its database's file, which needs no server for that.
    """
    database = ctx.paths.data / "ovs" / "conf.db"
    if not database.exists():
        return []
    query = ["Open_vSwitch", {"op": "select", "table": "Interface", "where": [], "columns": ["name"]}]
    answer = json.loads(await ctx.run("ovsdb-tool", "query", database, json.dumps(query)))
    return [row["name"] for row in answer[0]["rows"] if _PORT.fullmatch(row["name"])]


def links_of(port: str) -> Sequence[str]:
    """Return the links that belong to a port: for a server's also its bridge, its cable and its tap."""
    kind, port_id = port[:3], port[3:]
    return [f"{one}{port_id}" for one in _SERVERS_LINKS] if kind == "qvo" else [port]


async def _find_namespaces(ctx: Context, ports: Sequence[str]) -> Sequence[OrphanedResource]:
    known = {found for path in (ctx.paths.data / "neutron").rglob("*") for found in _ID.findall(path.name)}
    found = []
    for name in sorted(path.name for path in NAMESPACES.glob("q*-*")) if NAMESPACES.is_dir() else []:
        if match := _NAMESPACE.fullmatch(name):
            if match[1] in known:
                found.append(OrphanedResource("namespace", name, f"{ctx.paths.data}/neutron knows {match[1]}"))
            elif reason := await _judge_namespace(ctx, name, ports):
                found.append(OrphanedResource("namespace", name, reason))
    return found


async def _judge_namespace(ctx: Context, name: str, ports: Sequence[str]) -> str | None:
    """Return what marks a namespace as the stack's though no file knows its id."""
    shown = await ctx.run("ip", "-netns", name, "-json", "link", "show", ok=(0, 1, 255))
    if not shown:  # of an agent that was ended while it made one
        return "it leads nowhere, and is of no use to anybody"
    held = {link["ifname"] for link in json.loads(shown)} & {*ports}
    return f"it holds {min(held)}, a port of the stack's switch" if held else None


async def _find_links(ctx: Context, ports: Sequence[str]) -> Sequence[OrphanedResource]:
    links: list[Mapping[str, str]] = json.loads(await ctx.run("ip", "-json", "link", "show"))
    owners = {link: port for port in ports for link in links_of(port)}
    found = []
    for link in links:
        name = link["ifname"]
        if name in owners:
            found.append(OrphanedResource("link", name, f"the stack's switch had the port {owners[name]}"))
        elif link.get("ifalias") == stack_mark(ctx.paths):
            found.append(OrphanedResource("link", name, f"its alias is {link['ifalias']}"))
    return found


async def _find_rules(ctx: Context, command: str, ports: Sequence[str]) -> Sequence[OrphanedResource]:
    ours = [line for line in await _read_rules(ctx, command) if _is_ours(line, ports)]
    return [OrphanedResource(command, f"{len(ours)} rules and chains", "of its ports, or of nobody's")] if ours else []


async def _find_sets(ctx: Context, ports: Sequence[str]) -> Sequence[OrphanedResource]:
    """Return the agent's sets of addresses; where another's ports are, sets may be theirs, and stay."""
    if _others_ports(ports):
        return []
    names = (await ctx.run("ipset", "list", "-name", ok=(0, 1))).split()
    return [OrphanedResource("set", name, "rules of the stack's ports used it") for name in names if _SET.fullmatch(name)]


async def _read_rules(ctx: Context, command: str) -> list[str]:
    return (await ctx.run(f"{command}-save", ok=(0, 1))).splitlines()


def _is_ours(line: str, ports: Sequence[str]) -> bool:
    """Return whether a line of iptables-save is the stack's; the agent's chains that are of no port are if no other has ports."""
    if not _CHAIN.search(line):
        return OUT_CHAIN in line
    named = {*_CHAINS_PORT.findall(line)}
    return bool(named & _port_ids(ports)) or not _others_ports(ports)


def _others_ports(ports: Sequence[str]) -> set[str]:
    """Return the ids of ports of another stack's servers, as the links of this machine tell."""
    matches = (_LINK.fullmatch(name) for _, name in socket.if_nameindex())
    return {match[1] for match in matches if match} - _port_ids(ports)


def _port_ids(ports: Sequence[str]) -> set[str]:
    return {port[3:-1] for port in ports}


async def _remove_link(ctx: Context, link: str) -> None:
    # Asked of the kernel again: a link may have gone with the other end of its cable.
    if link in {name for _, name in socket.if_nameindex()}:
        await ctx.run("ip", "link", "delete", link)


async def _remove_namespace(ctx: Context, namespace: str) -> None:
    await ctx.run("ip", "netns", "delete", namespace)


def _remove_rules(command: str) -> Callable[[Context, str], Awaitable[None]]:
    async def remove(ctx: Context, _: str) -> None:
        ports = await find_ports(ctx)
        kept = [line for line in await _read_rules(ctx, command) if not _is_ours(line, ports) and not line.startswith("#")]
        # One restore of what is not ours: nothing is half removed, and counters stay.
        await ctx.run(f"{command}-restore", "--counters", stdin=("\n".join(kept) + "\n").encode())

    return remove


async def _remove_set(ctx: Context, name: str) -> None:
    await ctx.run("ipset", "destroy", name)


async def _remove_mount(ctx: Context, place: str) -> None:
    await ctx.run("umount", place)


async def _remove_loop(ctx: Context, device: str) -> None:
    await ctx.run("losetup", "--detach", device)


async def _remove_domain(ctx: Context, name: str) -> None:
    for folder in _domains(ctx):
        (folder / f"{name}.xml").unlink(missing_ok=True)


def _domains(ctx: Context) -> Sequence[Path]:
    return [ctx.paths.data / "libvirt" / "etc" / driver for driver in ("qemu", "lxc")]


async def _remove_cgroup(ctx: Context, group: str) -> None:
    await ctx.run("find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+")


_REMOVERS: Mapping[str, Callable[[Context, str], Awaitable[None]]] = {
    "link": _remove_link,
    "namespace": _remove_namespace,
    "iptables": _remove_rules("iptables"),
    "ip6tables": _remove_rules("ip6tables"),
    "set": _remove_set,
    "mount": _remove_mount,
    "loop": _remove_loop,
    "domain": _remove_domain,
    "cgroup": _remove_cgroup,
}
