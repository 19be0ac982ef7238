"""The machine itself: what it must be and have before anything is touched."""

import os
import platform
import shutil
import sys
from pathlib import Path

from novaflow.model.component import Component, Finding, Paths, Verdict
from novaflow.settings import LibvirtType, NetMan, Settings
from workflows.shared.kernel import has_openvswitch, kvm_refusal

DISK_MIB = 3_000  # environment 700, template 140, packages 1,300, servers' disks
MEMORY_MIB = 4_000  # all services of a stack take 2,500, a tiny server 150
OLDEST_PYTHON = (3, 11)  # of the series of Nova that is installed
LONGEST_FOLDER = 70  # characters; a Unix socket's path may have 107, and ours are up to 30 longer


def is_root(_: Settings, __: Paths) -> Finding:
    """Look who asks."""
    if os.geteuid() == 0:
        return Finding("user", Verdict.GOOD, "root")
    return Finding("user", Verdict.BAD, f"user id {os.geteuid()}, and root is needed", "run it with sudo")


def is_debian(_: Settings, __: Paths) -> Finding:
    """Look what the machine runs."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    name = release.get("PRETTY_NAME", "an unknown system")
    if {release.get("ID"), *release.get("ID_LIKE", "").split()} & {"debian", "ubuntu"}:
        return Finding("system", Verdict.GOOD, name)
    return Finding("system", Verdict.BAD, f"{name}, and packages come from apt", "use Debian 12 or newer, or an Ubuntu of that age")


def has_python(_: Settings, __: Paths) -> Finding:
    """Look which Python this is."""
    version = platform.python_version()
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return Finding("python", Verdict.GOOD, version)
    return Finding("python", Verdict.BAD, f"{version}, and Nova needs 3.11", "install python3.11 or newer")


def has_room(_: Settings, paths: Paths) -> Finding:
    """Look how much the disk has free."""
    free_mib = shutil.disk_usage(_existing(paths.root)).free // 2**20
    if free_mib >= DISK_MIB or (paths.data / "template" / "seal").exists():
        return Finding("disk", Verdict.GOOD, f"{free_mib} MiB free for {paths.root}")
    return Finding(
        "disk", Verdict.BAD, f"{free_mib} MiB free for {paths.root}, and {DISK_MIB} are needed", "make room, or name a DIR elsewhere"
    )


def has_memory(_: Settings, __: Paths) -> Finding:
    """Look how much memory there is."""
    memory_mib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    if memory_mib >= MEMORY_MIB:
        return Finding("memory", Verdict.GOOD, f"{memory_mib} MiB")
    return Finding("memory", Verdict.WARNING, f"{memory_mib} MiB; {MEMORY_MIB} are comfortable", "expect it to swap")


def has_short_name(_: Settings, paths: Paths) -> Finding:
    """Look whether the sockets' paths will fit."""
    length = len(str(paths.root))
    if length <= LONGEST_FOLDER:
        return Finding("folder", Verdict.GOOD, str(paths.root))
    return Finding(
        "folder", Verdict.BAD, f"{paths.root} has {length} characters, {LONGEST_FOLDER} are possible", "name a DIR with a shorter path"
    )


def has_kvm(settings: Settings, _: Paths) -> Finding:
    """Look whether servers can run on the processor itself."""
    if settings.libvirt_type in {LibvirtType.FAKE, LibvirtType.QEMU}:
        return Finding("virtualisation", Verdict.GOOD, f"not needed for LIBVIRT_TYPE={settings.libvirt_type}")
    refusal = kvm_refusal()
    if refusal is None:
        return Finding("virtualisation", Verdict.GOOD, "KVM works")
    if settings.libvirt_type is LibvirtType.KVM:
        return Finding("virtualisation", Verdict.BAD, f"no KVM ({refusal}), and LIBVIRT_TYPE=kvm asks for it", "use auto or qemu")
    return Finding("virtualisation", Verdict.WARNING, f"no KVM ({refusal}); servers are emulated", "nothing, if a small server is enough")


def has_datapath(_: Settings, __: Paths) -> Finding:
    """Look how Open vSwitch will move packets."""
    if has_openvswitch():
        return Finding("datapath", Verdict.GOOD, "the kernel's openvswitch module")
    return Finding(
        "datapath", Verdict.WARNING, "no openvswitch module; packets go through userspace", "nothing, if a small network is enough"
    )


def is_built(settings: Settings, _: Paths) -> Finding:
    """Look whether what the settings ask for is there yet: better refused than passed over."""
    asked = {
        "USE_LDAP=1": settings.use_ldap,
        "USE_OPENDJ=1": settings.use_opendj,
        "USE_IPV6=1": settings.use_ipv6,
        "TEST=1": settings.test,
        "LIBVIRT_TYPE=lxc": settings.libvirt_type is LibvirtType.LXC,
        "NET_MAN=FlatManager": settings.net_man is NetMan.FLAT,
    }
    missing = [name for name, is_asked in asked.items() if is_asked]
    if missing:
        return Finding("settings", Verdict.BAD, f"{', '.join(missing)} is not built yet", "leave it out")
    return Finding("settings", Verdict.GOOD, "all that they ask for is there")


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


COMPONENT = Component(
    name="machine",
    summary="The machine itself.",
    checks=(is_root, is_debian, has_python, has_room, has_memory, has_short_name, has_kvm, has_datapath, is_built),
)
