"""Finds what starts a stack at boot."""

from pathlib import Path

from novaflow.adapters.init_system.boot_entry import BootEntry
from novaflow.adapters.init_system.systemd import SystemdUnit, is_systemd
from novaflow.adapters.init_system.sysv import SysvScript, is_sysv
from novaflow.errors import MachineError


def new_entry(root: Path) -> BootEntry:
    """Return the entry for this machine's init system.

    Raises: MachineError, if there is none that novaflow knows.
    """
    if is_systemd():
        return SystemdUnit(root)
    if is_sysv():
        return SysvScript(root)
    message = "this machine has no init system that novaflow knows: neither systemd nor /etc/init.d with update-rc.d"
    raise MachineError(f"{message}; start the stack with `novaflow up`")


def find_entries(root: Path) -> tuple[BootEntry, ...]:
    """Return the entries of the stack that exist on this machine, also one for another init system than today's."""
    return tuple(entry for entry in (SystemdUnit(root), SysvScript(root)) if entry.path.exists())
