"""nova-compute: runs servers on this machine."""

from dataclasses import replace
from pathlib import Path

from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from workflows.infra.database.origin import host_name
from workflows.infra.libvirt.address import uses_containers
from workflows.infra.libvirt.namespaces import enter_namespaces
from workflows.platform.disk import find_write_error, free_mib
from workflows.platform.system_packages import SystemPackages
from workflows.services.nova.config import daemon, fake_host_id, is_fake
from workflows.services.nova.fork_server import NATIVE_THREADS
from workflows.services.nova.settings import NovaSettings
from workflows.services.oslo.rpc_ping import rpc_probe

FAKE = Path(__file__).with_name("fake_compute.py")
DISKS_MIB = 200  # a cached image and the disks of a few small servers


def check_instances_path(settings: Settings, _: Paths) -> CheckResult:
    """Check that INSTANCES_PATH is writable and has enough free space."""
    folder = settings.of(NovaSettings).instances_path
    if error := find_write_error(folder):
        return CheckResult("servers' disks", Severity.BAD, error, "choose another INSTANCES_PATH")
    free = free_mib(folder)
    found = f"{free} MiB free for {folder}"
    if free >= DISKS_MIB:
        return CheckResult("servers' disks", Severity.GOOD, found)
    return CheckResult(
        "servers' disks", Severity.BAD, f"{found}; {DISKS_MIB} MiB are required", "free disk space, or choose another INSTANCES_PATH"
    )


DAEMON = daemon(
    "nova-compute",
    "Runs servers on this machine.",
    rpc_probe("nova", "compute"),
    needs=("nova.folders", "keystone", "placement", "libvirt", "openvswitch"),
)


def _command(ctx: Context) -> tuple[str | Path, ...]:
    if is_fake(ctx.settings):
        _, *arguments = DAEMON.command(ctx)
        return (ctx.paths.venv / "bin" / "python", "-P", FAKE, *arguments)
    # nova-compute mounts the disks of containers, in the mount namespace of libvirt.
    return (*(enter_namespaces(ctx.paths) if uses_containers(ctx.settings) else ()), *DAEMON.command(ctx))


def _environment(ctx: Context) -> dict[str, str]:
    fake = {"NOVAFLOW_HOST_NAME": host_name(ctx.paths), "NOVAFLOW_HOST_ID": fake_host_id(ctx.paths)}
    return {**NATIVE_THREADS, **(fake if is_fake(ctx.settings) else {})}


COMPUTE = replace(
    DAEMON,
    command=_command,
    env=_environment,
    after=("cinder.secret", "ceph-osd"),  # it restarts servers that ran before, and these may have volumes
    restart_with=("libvirtd",),  # servers end with libvirtd, and nova-compute restarts them at its own start only
    within_s=600,  # it restarts one server after the other before it is ready
)

COMPONENT = Component(
    name="nova-compute",
    summary="Servers on this machine.",
    declares=(SystemPackages(debian=("genisoimage", "dosfstools")),),  # create config drives and ephemeral disks
    checks=(check_instances_path,),
    parts={"run": (COMPUTE,)},
    aliases=("compute",),
)
