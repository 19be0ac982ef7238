"""The address of the stack's libvirt."""

from urllib.parse import quote

from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from workflows.infra.libvirt.settings import LibvirtSettings, LibvirtType


def uses_containers(settings: Settings) -> bool:
    """Return whether servers are containers."""
    return settings.of(LibvirtSettings).libvirt_type is LibvirtType.LXC


def runs_emulator(settings: Settings) -> bool:
    """Return whether servers are virtual machines of QEMU, emulated or with KVM."""
    return settings.of(LibvirtSettings).libvirt_type not in {LibvirtType.LXC, LibvirtType.FAKE}


def libvirt_url(settings: Settings, paths: Paths) -> str:
    """Return the address of the stack's libvirt."""
    driver = "lxc" if uses_containers(settings) else "qemu"
    return f"{driver}+unix:///system?socket={quote(str(paths.run))}/libvirt/libvirt-sock"
