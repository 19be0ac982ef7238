"""nova-compute: starts servers on this machine."""

from dataclasses import replace
from pathlib import Path

from novaflow.model.component import Component
from novaflow.model.context import Context
from workflows.infra.libvirt.address import enter_room, uses_containers
from workflows.platform.system_packages import SystemPackages
from workflows.services.nova.config import daemon
from workflows.services.oslo_ping import rpc_probe

DAEMON = daemon(
    "nova-compute",
    "Starts servers on this machine.",
    rpc_probe("nova", "compute"),
    needs=("nova.forget", "keystone", "placement", "libvirt", "openvswitch"),
)


def _command(ctx: Context) -> tuple[str | Path, ...]:
    # It mounts containers' disks: where libvirt sees them, and where they go with libvirt.
    return (*(enter_room(ctx.paths) if uses_containers(ctx.settings) else ()), *DAEMON.command(ctx))


COMPUTE = replace(DAEMON, command=_command)

COMPONENT = Component(
    name="nova-compute",
    summary="Starts servers on this machine.",
    declares=(SystemPackages(debian=("genisoimage",)),),  # makes config drives
    parts={"run": (COMPUTE,)},
    aliases=("compute",),
)
