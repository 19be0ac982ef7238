"""The stack's libvirt as everybody else sees it: its address, and the room it lives in."""

from pathlib import Path

from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from workflows.infra.libvirt.settings import LibvirtSettings, LibvirtType

_ENTER = 'room=/proc/$(cat "$0")/ns && exec nsenter --mount="$room/mnt" --pid="$room/pid_for_children" "$@"'


def uses_containers(settings: Settings) -> bool:
    """Return whether servers are containers."""
    return settings.of(LibvirtSettings).libvirt_type is LibvirtType.LXC


def libvirt_url(settings: Settings, paths: Paths) -> str:
    """Return the address of the stack's libvirt."""
    driver = "lxc" if uses_containers(settings) else "qemu"
    return f"{driver}+unix:///system?socket={paths.run}/libvirt/libvirt-sock"


def room_file(paths: Paths) -> Path:
    """Return the file with the id of the process that made libvirt's room, as this machine counts."""
    return paths.run / "libvirt" / "room.pid"


def enter_room(paths: Paths) -> tuple[str, ...]:
    """Return what makes a program one of libvirt's room, which sees, and mounts, what libvirt does: in front of its words."""
    return ("/bin/sh", "-c", _ENTER, str(room_file(paths)))
