"""Open vSwitch: the switch that connects servers, private to the stack."""

import json
import shlex
import shutil
import socket

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
    find_owner,
    ovs_environment,
    ovsdb_address,
    stack_mark,
)
from workflows.infra.openvswitch.orphans import REMOVERS, find_network
from workflows.platform.detect import find_distribution
from workflows.platform.kernel import has_openvswitch
from workflows.platform.orphans import remove_found
from workflows.platform.routes import find_uses
from workflows.platform.system_packages import SystemPackages
from workflows.services.neutron.settings import NetworkSettings

LOG_LEVELS = ("-vconsole:warn", "-vsyslog:off", "-vfile:off")


def check_bridges(_: Settings, paths: Paths) -> CheckResult:
    """Check that no other bridges have the names of the stack's."""
    taken = sorted({name for _, name in socket.if_nameindex()} & {*BRIDGES})
    if not taken or (paths.run / "ovs" / "ovs-vswitchd.pid").exists():
        return CheckResult("bridges", Severity.GOOD, f"{', '.join(BRIDGES)} are unused or belong to this stack")
    found = f"network interfaces with these names exist that are not the stack's: {', '.join(taken)}"
    advice = f"stop the program that uses them, or remove them: {'; '.join(f'ip link delete {name}' for name in taken)}"
    if root := find_owner(taken):
        found += f"; they belong to the stack in {root}"
        # Without its folder, a stack cannot be stopped: its folder contains the names of what it left.
        advice = f"stop that stack: novaflow clean {shlex.quote(str(root))}" if root.exists() else advice
    return CheckResult("bridges", Severity.BAD, found, advice)


def check_interfaces(settings: Settings, _: Paths) -> CheckResult:
    """Check that INTERFACE and FLAT_INTERFACE exist and that this machine does not use them."""
    chosen = settings.of(NetworkSettings)
    interfaces = [name for name in (chosen.interface, chosen.flat_interface) if name]
    existing = {name for _, name in socket.if_nameindex()}
    if missing := [name for name in interfaces if name not in existing]:
        found = f"no network interface is named {', '.join(missing)}"
        return CheckResult("network interfaces", Severity.BAD, found, "choose one that `ip link` lists")
    if uses := [f"{name} is in use: it {' and '.join(reasons)}" for name in interfaces if (reasons := find_uses(name))]:
        advice = "choose an interface without addresses; --force uses this one and disconnects its other users"
        return CheckResult("network interfaces", Severity.UNWISE, "; ".join(uses), advice)
    found = f"{', '.join(interfaces)} will be used" if interfaces else "none will be used"
    return CheckResult("network interfaces", Severity.GOOD, found)


def check_datapath(_: Settings, __: Paths) -> CheckResult:
    """Check whether the kernel or a program in userspace processes packets."""
    if has_openvswitch():
        return CheckResult("datapath", Severity.GOOD, "the kernel's openvswitch module")
    found = "the kernel has no openvswitch module; packets are processed in userspace"
    return CheckResult("datapath", Severity.WARNING, found, "no action needed for small networks")


@step(within_s=60)
async def prepare(ctx: Context) -> str:
    """Create the empty database of Open vSwitch."""
    for folder in (ctx.paths.run / "ovs", ctx.paths.data / "ovs"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    database = ctx.paths.data / "ovs" / "conf.db"
    await ctx.run("ovsdb-tool", "create", database, find_distribution().path("openvswitch-schema"))
    # Without it, TCP packets of servers have incomplete checksums and are dropped. Source: ovs-vswitchd.conf.db(5)
    row = {"op": "insert", "table": "Open_vSwitch", "row": {"other_config": ["map", [["userspace-tso-enable", "true"]]]}}
    await ctx.run("ovsdb-tool", "transact", database, json.dumps(["Open_vSwitch", row]))
    return str(database)


async def _probe_ovsdb(ctx: Context) -> str:
    try:
        await ctx.run("ovs-vsctl", "--timeout=2", f"--db={ovsdb_address(ctx.paths)}", "--no-wait", "init")
    except ProgramFailed as error:
        raise NotYet(error.log_tail) from error
    return "answered ovs-vsctl init"


async def _probe_vswitchd(ctx: Context) -> str:
    try:
        answer = await ctx.run("ovs-appctl", "--timeout=2", "-t", ctx.paths.run / "ovs" / "ovs-vswitchd.ctl", "version")
    except ProgramFailed as error:
        raise NotYet(error.log_tail) from error
    return f"answered ovs-appctl version with {answer.splitlines()[0]}"


OVSDB = Service(
    name="ovsdb-server",
    summary="The database of Open vSwitch.",
    command=lambda ctx: (
        "ovsdb-server",
        ctx.paths.data / "ovs" / "conf.db",
        f"--remote=p{ovsdb_address(ctx.paths)}",
        f"--pidfile={ctx.paths.run}/ovs/ovsdb-server.pid",
        f"--unixctl={ctx.paths.run}/ovs/ovsdb-server.ctl",
        *LOG_LEVELS,
    ),
    env=ovs_environment,
    ready=FunctionProbe(_probe_ovsdb, "ovs-vsctl init"),
    needs=("openvswitch.prepare",),
)

VSWITCHD = Service(
    name="ovs-vswitchd",
    summary="The switch of Open vSwitch.",
    command=lambda ctx: (
        "ovs-vswitchd",
        ovsdb_address(ctx.paths),
        f"--pidfile={ctx.paths.run}/ovs/ovs-vswitchd.pid",
        f"--unixctl={ctx.paths.run}/ovs/ovs-vswitchd.ctl",
        *LOG_LEVELS,
    ),
    env=ovs_environment,
    ready=FunctionProbe(_probe_vswitchd, "ovs-appctl version"),
    needs=("ovsdb-server",),
)


@step(within_s=30, needs=("ovs-vswitchd",))
async def bridges(ctx: Context) -> str:
    """Create the bridges that connect servers, and add INTERFACE and FLAT_INTERFACE to theirs."""
    kind, chosen = datapath_type(), ctx.settings.of(NetworkSettings)
    words: list[str] = []
    for bridge in BRIDGES:
        words += ["--", "--may-exist", "add-br", bridge, "--", "set", "bridge", bridge, f"datapath_type={kind}"]
    for bridge, interface_name in ((EXTERNAL, chosen.interface), (SERVERS, chosen.flat_interface)):
        if interface_name:
            words += ["--", "add-port", bridge, interface_name]
            await ctx.run("ip", "link", "set", interface_name, "up")
    await ctx.run("ovs-vsctl", "--timeout=20", f"--db={ovsdb_address(ctx.paths)}", *words[1:])
    for link in {name for _, name in socket.if_nameindex()} & {*BRIDGES, DATAPATH}:
        await ctx.run("ip", "link", "set", "dev", link, "alias", stack_mark(ctx.paths))
    return f"{', '.join(BRIDGES)}; datapath {kind}"


@step(within_s=60)
async def remove_network(ctx: Context) -> Skipped | str:
    """Remove namespaces, links, firewall rules and address sets that the switch and the agents of neutron left."""
    done = await remove_found(ctx, await find_network(ctx), REMOVERS)
    (ctx.paths.data / "ovs" / "conf.db").unlink(missing_ok=True)
    return done


COMPONENT = Component(
    name="openvswitch",
    summary="The switch that connects servers.",
    declares=(SystemPackages(debian=("openvswitch-switch", "iproute2", "iptables", "ipset")),),
    checks=(check_bridges, check_interfaces, check_datapath),
    parts={"run": (prepare, OVSDB, VSWITCHD, bridges), "clean": (remove_network,)},
    orphans=(find_network,),
)
