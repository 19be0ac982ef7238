"""lxc: servers as containers, which libvirt's LXC driver runs."""

from pathlib import Path

from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from workflows.infra.libvirt.address import uses_containers
from workflows.infra.libvirt.orphans import CGROUPS
from workflows.platform.system_packages import SystemPackages

CONTROLLERS_V1 = ("cpuacct", "devices", "memory")  # Source: libvirt 9, virLXCCgroupCreate
CONTROLLERS_V2 = ("cpu", "memory")
LOOP_CONTROL = Path("/dev/loop-control")


def check_cgroups(_: Settings, __: Paths) -> CheckResult:
    """Check that the cgroup controllers that containers need are mounted."""
    unified = CGROUPS / "cgroup.controllers"
    if unified.exists():
        missing = set(CONTROLLERS_V2) - {*unified.read_text().split()}
        version = "version 2"
    else:
        missing = {name for name in CONTROLLERS_V1 if not (CGROUPS / name / "cgroup.procs").exists()}
        version = "version 1"
    if missing:
        found = f"{CGROUPS} has no {', '.join(sorted(missing))}; LIBVIRT_TYPE=lxc requires it"
        advice = "mount cgroups there, as systemd and cgroupfs-mount do, or set LIBVIRT_TYPE to auto"
        return CheckResult("cgroups", Severity.BAD, found, advice)
    return CheckResult("cgroups", Severity.GOOD, version)


def check_loop_devices(_: Settings, __: Paths) -> CheckResult:
    """Check that disk images can be mounted: the disk of a container is one."""
    try:
        LOOP_CONTROL.open("rb").close()
    except OSError as error:
        found = f"{LOOP_CONTROL}: {(error.strerror or '').lower()}; LIBVIRT_TYPE=lxc requires it"
        return CheckResult("loop devices", Severity.BAD, found, "load the kernel module loop, or set LIBVIRT_TYPE to auto")
    return CheckResult("loop devices", Severity.GOOD, str(LOOP_CONTROL))


COMPONENT = Component(
    name="lxc",
    when=uses_containers,
    summary="Servers as containers.",
    declares=(SystemPackages(debian=("libvirt-daemon-driver-lxc", "e2fsprogs")),),
    checks=(check_cgroups, check_loop_devices),
)
