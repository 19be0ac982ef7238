"""The stack's Open vSwitch as everybody else sees it."""

from novaflow.model.context import Context
from novaflow.model.paths import Paths
from workflows.platform.kernel import has_openvswitch

INTEGRATION = "br-int"  # servers and routers are plugged in here
SERVERS, EXTERNAL = "br-net", "br-ex"  # where the cards FLAT_INTERFACE and INTERFACE belong, if there are any
DATAPATH = "ovs-netdev"  # a link that the switch makes where packets are moved in userspace
BRIDGES = (INTEGRATION, SERVERS, EXTERNAL)


def ovsdb_address(paths: Paths) -> str:
    """Return where the switch's database listens."""
    return f"unix:{paths.run}/ovs/db.sock"


def stack_mark(paths: Paths) -> str:
    """Return the alias of links whose names are nobody's own: it says whose they are."""
    return f"novaflow:{paths.root}"


def ovs_environment(ctx: Context) -> dict[str, str]:
    """Return what makes every Open vSwitch tool speak to the stack's own."""
    return {
        "OVS_RUNDIR": f"{ctx.paths.run}/ovs",
        "OVS_DBDIR": f"{ctx.paths.data}/ovs",
        "OVS_LOGDIR": str(ctx.paths.log),
        "OVS_SYSCONFDIR": str(ctx.paths.etc),
    }


def datapath_type() -> str:
    """Return how packets are moved: by the kernel's module where there is one, else in userspace."""
    return "system" if has_openvswitch() else "netdev"
