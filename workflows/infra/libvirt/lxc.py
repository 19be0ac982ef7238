"""lxc: servers that are containers, by libvirt's own driver for them."""

from pathlib import Path

from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from workflows.infra.libvirt.address import uses_containers
from workflows.platform.orphans import CGROUPS
from workflows.platform.system_packages import SystemPackages

WANTED_V1 = ("cpuacct", "devices", "memory")  # Source: libvirt 9, virLXCCgroupCreate
WANTED_V2 = ("cpu", "memory")
LOOP_CONTROL = Path("/dev/loop-control")


def has_cgroups(_: Settings, __: Paths) -> CheckResult:
    """Look whether the machine counts and limits what containers use; nova.sh mounted this, init systems do since."""
    unified = CGROUPS / "cgroup.controllers"
    if unified.exists():
        missing = set(WANTED_V2) - {*unified.read_text().split()}
        version = "version 2"
    else:
        missing = {name for name in WANTED_V1 if not (CGROUPS / name / "cgroup.procs").exists()}
        version = "version 1"
    if missing:
        found = f"{CGROUPS} has no {', '.join(sorted(missing))}, and LIBVIRT_TYPE=lxc needs it"
        return CheckResult(
            "cgroups", Severity.BAD, found, "mount cgroups there, as systemd and cgroupfs-mount do, or leave LIBVIRT_TYPE at auto"
        )
    return CheckResult("cgroups", Severity.GOOD, version)


def has_loop_devices(_: Settings, __: Paths) -> CheckResult:
    """Look whether a file can be mounted: a container's disk is one."""
    try:
        LOOP_CONTROL.open("rb").close()
    except OSError as error:
        found = f"{LOOP_CONTROL}: {(error.strerror or '').lower()}, and LIBVIRT_TYPE=lxc needs it"
        return CheckResult("loop devices", Severity.BAD, found, "load the kernel's module loop, or leave LIBVIRT_TYPE at auto")
    return CheckResult("loop devices", Severity.GOOD, str(LOOP_CONTROL))


COMPONENT = Component(
    name="lxc",
    when=uses_containers,
    summary="Servers that are containers.",
    declares=(SystemPackages(debian=("libvirt-daemon-driver-lxc", "e2fsprogs")),),
    checks=(has_cgroups, has_loop_devices),
)
