"""The kinds of processors that novaflow supports, and what QEMU's machines have on each."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass

from novaflow.errors import MachineError


@dataclass(frozen=True, slots=True)
class Processor:
    """A kind of processor.

    ``emulator`` is QEMU's program, ``emulated_machine`` the machine that nova chooses. Without KVM nova needs ``emulated_model`` if
    QEMU's default does not run the guest's programs. ``console`` is the device of the guest's serial console. ``has_bios`` says
    whether nova's guests start with a BIOS; they start with UEFI otherwise.
    """

    emulator: str
    emulated_machine: str
    emulated_model: str | None
    console: str
    has_bios: bool


# By the name that uname(2) has for them. Sources: nova/virt/libvirt/utils.py, get_default_machine_type; QEMU's documentation, "virt".
PROCESSORS: Mapping[str, Processor] = {
    "x86_64": Processor("qemu-system-x86_64", "pc", None, "ttyS0", has_bios=True),
    "aarch64": Processor("qemu-system-aarch64", "virt", "max", "ttyAMA0", has_bios=False),
}


def find_processor(machine: str | None = None) -> Processor:
    """Return a kind of processors by its name in uname(2); ``None`` means this machine's.

    Raises: MachineError, if novaflow does not support it.
    """
    machine = platform.machine() if machine is None else machine
    if machine not in PROCESSORS:
        raise MachineError(f"{machine} is not supported; use a machine with {' or '.join(PROCESSORS)} processors")
    return PROCESSORS[machine]
