"""Names and addresses of the stack's Open vSwitch."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.paths import Paths
from workflows.platform.kernel import has_openvswitch

INTEGRATION = "br-int"  # connects servers and routers
SERVERS, EXTERNAL = "br-net", "br-ex"  # contain the interfaces FLAT_INTERFACE and INTERFACE
DATAPATH = "ovs-netdev"  # a link that the switch creates for packets in userspace
BRIDGES = (INTEGRATION, SERVERS, EXTERNAL)
_MARK = "novaflow:"  # with the folder of the stack: the alias of its links


def ovsdb_address(paths: Paths) -> str:
    """Return the address of the switch's database."""
    return f"unix:{paths.run}/ovs/db.sock"


def stack_mark(paths: Paths) -> str:
    """Return the alias that marks a link as the stack's; names such as `br-int` do not."""
    return f"{_MARK}{paths.root}"


def find_owner(links: Iterable[str]) -> Path | None:
    """Return the folder of the stack that marked one of the links, which may be another stack; ``None`` if none is marked."""
    for link in links:
        with suppress(OSError):  # it was removed just now
            alias = Path("/sys/class/net", link, "ifalias").read_text(encoding="utf-8").strip()
            if alias.startswith(_MARK):
                return Path(alias.removeprefix(_MARK))
    return None


def ovs_environment(ctx: Context) -> dict[str, str]:
    """Return the environment in which every Open vSwitch program uses the stack's own folders."""
    return {
        "OVS_RUNDIR": f"{ctx.paths.run}/ovs",
        "OVS_DBDIR": f"{ctx.paths.data}/ovs",
        "OVS_LOGDIR": str(ctx.paths.log),
        "OVS_SYSCONFDIR": str(ctx.paths.etc),
    }


def datapath_type() -> str:
    """Return ``system`` for the kernel's datapath where the kernel has one, else ``netdev`` for the one in userspace."""
    return "system" if has_openvswitch() else "netdev"
