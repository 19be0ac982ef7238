"""Open vSwitch: the switch servers are plugged into, of the stack's own."""

import json
import shutil
import socket
from pathlib import Path

from novaflow.errors import ProgramFailed
from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.service import Service
from novaflow.model.settings import Settings
from novaflow.model.step import Skipped, step
from workflows.infra.openvswitch.bridges import (
    BRIDGES,
    DATAPATH,
    EXTERNAL,
    SERVERS,
    datapath_type,
    ovs_environment,
    ovsdb_address,
    stack_mark,
)
from workflows.platform.orphans import find_network, remove_found
from workflows.platform.routes import find_uses
from workflows.platform.system_packages import SystemPackages
from workflows.services.neutron.settings import NetworkSettings

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
QUIET = ("-vconsole:warn", "-vsyslog:off", "-vfile:off")


def has_free_bridges(_: Settings, paths: Paths) -> CheckResult:
    """Look whether somebody else has bridges of our names."""
    taken = sorted({name for _, name in socket.if_nameindex()} & {*BRIDGES})
    if taken and not (paths.run / "ovs" / "ovs-vswitchd.pid").exists():
        return CheckResult(
            "bridges",
            Severity.BAD,
            f"{', '.join(taken)} exists and is not this stack's",
            f"remove it, or end what made it: ip link show {taken[0]}",
        )
    return CheckResult("bridges", Severity.GOOD, f"{', '.join(BRIDGES)} are free or the stack's own")


def has_free_interfaces(settings: Settings, _: Paths) -> CheckResult:
    """Look whether the cards given to the stack are there, and used by nothing else."""
    interfaces = [
        interface_name
        for interface_name in (settings.of(NetworkSettings).interface, settings.of(NetworkSettings).flat_interface)
        if interface_name
    ]
    missing = [interface_name for interface_name in interfaces if interface_name not in {name for _, name in socket.if_nameindex()}]
    if missing:
        return CheckResult("cards", Severity.BAD, f"there is no network card {', '.join(missing)}", "name one that `ip link` lists")
    uses = [f"{interface_name} is in use: {' and '.join(found)}" for interface_name in interfaces if (found := find_uses(interface_name))]
    if uses:
        advice = "give the stack a card without addresses; with --force this one is taken, and what uses it stops working"
        return CheckResult("cards", Severity.UNWISE, "; ".join(uses), advice)
    return CheckResult(
        "cards", Severity.GOOD, f"given to the stack: {', '.join(interfaces)}" if interfaces else "all of them are left alone"
    )


@step(within_s=60)
async def prepare(ctx: Context) -> str:
    """Make the switch's empty database."""
    for folder in (ctx.paths.run / "ovs", ctx.paths.data / "ovs"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    await ctx.run("ovsdb-tool", "create", ctx.paths.data / "ovs" / "conf.db", SCHEMA)
    # Without it packets of TCP leave servers with half a checksum, and nobody takes them. Source: ovs-vswitchd.conf.db(5)
    row = {"op": "insert", "table": "Open_vSwitch", "row": {"other_config": ["map", [["userspace-tso-enable", "true"]]]}}
    await ctx.run("ovsdb-tool", "transact", ctx.paths.data / "ovs" / "conf.db", json.dumps(["Open_vSwitch", row]))
    return "empty"


async def _ask_ovsdb(ctx: Context) -> str:
    try:
        await ctx.run("ovs-vsctl", "--timeout=2", f"--db={ovsdb_address(ctx.paths)}", "--no-wait", "init")
    except ProgramFailed as error:
        raise NotYet(error.log_tail) from error
    return "answered ovs-vsctl init"


async def _ask_vswitchd(ctx: Context) -> str:
    try:
        answer = await ctx.run("ovs-appctl", "--timeout=2", "-t", ctx.paths.run / "ovs" / "ovs-vswitchd.ctl", "version")
    except ProgramFailed as error:
        raise NotYet(error.log_tail) from error
    return f"answered ovs-appctl version with {answer.splitlines()[0]}"


OVSDB = Service(
    name="ovsdb-server",
    summary="Open vSwitch's database.",
    command=lambda ctx: (
        "ovsdb-server",
        ctx.paths.data / "ovs" / "conf.db",
        f"--remote=p{ovsdb_address(ctx.paths)}",
        f"--pidfile={ctx.paths.run}/ovs/ovsdb-server.pid",
        f"--unixctl={ctx.paths.run}/ovs/ovsdb-server.ctl",
        *QUIET,
    ),
    env=ovs_environment,
    ready=FunctionProbe(_ask_ovsdb, "ovs-vsctl init"),
    needs=("openvswitch.prepare",),
)

VSWITCHD = Service(
    name="ovs-vswitchd",
    summary="Open vSwitch's switch.",
    command=lambda ctx: (
        "ovs-vswitchd",
        ovsdb_address(ctx.paths),
        f"--pidfile={ctx.paths.run}/ovs/ovs-vswitchd.pid",
        f"--unixctl={ctx.paths.run}/ovs/ovs-vswitchd.ctl",
        *QUIET,
    ),
    env=ovs_environment,
    ready=FunctionProbe(_ask_vswitchd, "ovs-appctl version"),
    needs=("ovsdb-server",),
)


@step(within_s=30, needs=("ovs-vswitchd",))
async def bridges(ctx: Context) -> str:
    """Make the bridges of servers and of the way out."""
    kind = datapath_type()
    words = [
        word
        for bridge in BRIDGES
        for word in ("--", "--may-exist", "add-br", bridge, "--", "set", "bridge", bridge, f"datapath_type={kind}")
    ]
    interfaces = {EXTERNAL: ctx.settings.of(NetworkSettings).interface, SERVERS: ctx.settings.of(NetworkSettings).flat_interface}
    for bridge, interface_name in ((bridge, interface_name) for bridge, interface_name in interfaces.items() if interface_name):
        words += ["--", "add-port", bridge, interface_name]
        await ctx.run("ip", "link", "set", interface_name, "up")
    await ctx.run("ovs-vsctl", "--timeout=20", f"--db={ovsdb_address(ctx.paths)}", *words[1:])
    for link in {name for _, name in socket.if_nameindex()} & {*BRIDGES, DATAPATH}:
        await ctx.run("ip", "link", "set", "dev", link, "alias", stack_mark(ctx.paths))
    return f"{', '.join(BRIDGES)}; datapath {kind}"


@step(within_s=60)
async def remove_links(ctx: Context) -> Skipped | str:
    """Remove namespaces, links, rules and sets that the switch and neutron's agents leave when they stop."""
    done = await remove_found(ctx, await find_network(ctx))
    (ctx.paths.data / "ovs" / "conf.db").unlink(missing_ok=True)
    return done


COMPONENT = Component(
    name="openvswitch",
    summary="The switch servers are plugged into.",
    declares=(SystemPackages(debian=("openvswitch-switch", "iproute2", "iptables", "ipset")),),
    checks=(has_free_bridges, has_free_interfaces),
    parts={"run": (prepare, OVSDB, VSWITCHD, bridges), "clean": (remove_links,)},
    orphans=(find_network,),
)
