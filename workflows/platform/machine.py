"""The machine itself: what it must be and have before anything is touched."""

import os
import platform
import socket
import sys
import tempfile
from pathlib import Path

from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from workflows.infra.libvirt.settings import LibvirtSettings, LibvirtType
from workflows.platform.disk import existing, free_mib
from workflows.platform.kernel import has_openvswitch, kvm_refusal
from workflows.platform.orphans import find_disks, removal
from workflows.platform.settings import MachineSettings
from workflows.services.nova.settings import NovaSettings

DISK_MIB = 3_400  # environment 700, template 150, packages 1,600, servers' disks
DISKS_MIB = 200  # an image, kept once, and the disks of a few small servers
MEMORY_MIB = 5_000  # all services of a stack take 3,600, a tiny server 150
OLDEST_PYTHON = (3, 11)  # of the series of Nova that is installed
LONGEST_FOLDER = 70  # characters; a Unix socket's path may have 107, and ours are up to 30 longer


def is_root(_: Settings, __: Paths) -> CheckResult:
    """Look who asks."""
    if os.geteuid() == 0:
        return CheckResult("user", Severity.GOOD, "root")
    return CheckResult("user", Severity.BAD, f"user id {os.geteuid()}, and root is needed", "run it with sudo")


def is_debian(_: Settings, __: Paths) -> CheckResult:
    """Look what the machine runs."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    name = release.get("PRETTY_NAME", "an unknown system")
    if {release.get("ID"), *release.get("ID_LIKE", "").split()} & {"debian", "ubuntu"}:
        return CheckResult("system", Severity.GOOD, name)
    return CheckResult("system", Severity.BAD, f"{name}, and packages come from apt", "use Debian 12 or newer, or an Ubuntu of that age")


def has_python(_: Settings, __: Paths) -> CheckResult:
    """Look which Python this is."""
    version = platform.python_version()
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return CheckResult("python", Severity.GOOD, version)
    return CheckResult("python", Severity.BAD, f"{version}, and Nova needs 3.11", "install python3.11 or newer")


def has_room(_: Settings, paths: Paths) -> CheckResult:
    """Look how much the disk has free."""
    there_mib = free_mib(paths.root)
    if there_mib >= DISK_MIB or (paths.data / "template" / "seal").exists():
        return CheckResult("disk", Severity.GOOD, f"{there_mib} MiB free for {paths.root}")
    return CheckResult(
        "disk", Severity.BAD, f"{there_mib} MiB free for {paths.root}, and {DISK_MIB} are needed", "make room, or name a DIR elsewhere"
    )


def has_room_for_disks(settings: Settings, _: Paths) -> CheckResult:
    """Look whether servers' disks will fit where they are to lie, which may be another file system."""
    if refusal := _write_refusal(settings.of(NovaSettings).instances_path):
        return CheckResult("servers' disks", Severity.BAD, refusal, "name another INSTANCES_PATH")
    there_mib = free_mib(settings.of(NovaSettings).instances_path)
    found = f"{there_mib} MiB free for {settings.of(NovaSettings).instances_path}"
    if there_mib >= DISKS_MIB:
        return CheckResult("servers' disks", Severity.GOOD, found)
    return CheckResult("servers' disks", Severity.BAD, f"{found}, and {DISKS_MIB} are needed", "make room, or name another INSTANCES_PATH")


def has_place_for_locks(settings: Settings, _: Paths) -> CheckResult:
    """Look whether services can make the files they lock."""
    if refusal := _write_refusal(settings.of(MachineSettings).lock_path):
        return CheckResult("lock files", Severity.BAD, refusal, "name another LOCK_PATH")
    return CheckResult("lock files", Severity.GOOD, str(settings.of(MachineSettings).lock_path))


def has_address(settings: Settings, _: Paths) -> CheckResult:
    """Look whether the address services are to listen on is this machine's."""
    with socket.socket() as asking:
        try:
            asking.bind((settings.host_ip, 0))
        except OSError as error:
            found = f"HOST_IP={settings.host_ip} is no address of this machine: {(error.strerror or '').lower()}"
            return CheckResult("address", Severity.BAD, found, "name one that `ip address` lists, or auto")
    return CheckResult("address", Severity.GOOD, settings.host_ip)


def has_memory(_: Settings, __: Paths) -> CheckResult:
    """Look how much memory there is."""
    memory_mib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    if memory_mib >= MEMORY_MIB:
        return CheckResult("memory", Severity.GOOD, f"{memory_mib} MiB")
    return CheckResult("memory", Severity.WARNING, f"{memory_mib} MiB; {MEMORY_MIB} are comfortable", "expect it to swap")


def has_short_name(_: Settings, paths: Paths) -> CheckResult:
    """Look whether the sockets' paths will fit."""
    length = len(str(paths.root))
    if length <= LONGEST_FOLDER:
        return CheckResult("folder", Severity.GOOD, str(paths.root))
    return CheckResult(
        "folder", Severity.BAD, f"{paths.root} has {length} characters, {LONGEST_FOLDER} are possible", "name a DIR with a shorter path"
    )


def has_kvm(settings: Settings, _: Paths) -> CheckResult:
    """Look whether servers can run on the processor itself."""
    if settings.of(LibvirtSettings).libvirt_type in {LibvirtType.FAKE, LibvirtType.LXC, LibvirtType.QEMU}:
        return CheckResult("virtualisation", Severity.GOOD, f"not needed for LIBVIRT_TYPE={settings.of(LibvirtSettings).libvirt_type}")
    refusal = kvm_refusal()
    if refusal is None:
        return CheckResult("virtualisation", Severity.GOOD, "KVM works")
    if settings.of(LibvirtSettings).libvirt_type is LibvirtType.KVM:
        return CheckResult("virtualisation", Severity.BAD, f"no KVM ({refusal}), and LIBVIRT_TYPE=kvm asks for it", "use auto or qemu")
    return CheckResult(
        "virtualisation", Severity.WARNING, f"no KVM ({refusal}); servers are emulated", "nothing, if a small server is enough"
    )


def has_datapath(_: Settings, __: Paths) -> CheckResult:
    """Look how Open vSwitch will move packets."""
    if has_openvswitch():
        return CheckResult("datapath", Severity.GOOD, "the kernel's openvswitch module")
    return CheckResult(
        "datapath", Severity.WARNING, "no openvswitch module; packets go through userspace", "nothing, if a small network is enough"
    )


def _write_refusal(folder: Path) -> str | None:
    """Return why nothing can be written below the folder, or where it will be, ``None`` if it can; asked by doing it."""
    place = existing(folder)
    try:
        with tempfile.TemporaryFile(dir=place):
            return None
    except OSError as error:
        return f"{folder} cannot be written: {place}: {(error.strerror or '').lower()}"


COMPONENT = Component(
    name="machine",
    summary="The machine itself.",
    checks=(
        is_root,
        is_debian,
        has_python,
        has_address,
        has_room,
        has_room_for_disks,
        has_place_for_locks,
        has_memory,
        has_short_name,
        has_kvm,
        has_datapath,
    ),
    parts={"clean": (removal(find_disks),)},
    orphans=(find_disks,),
    settings=(MachineSettings,),
)
