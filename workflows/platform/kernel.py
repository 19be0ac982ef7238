"""What the kernel of this machine supports, determined by use rather than by the presence of files."""

import fcntl
import os
import platform
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from workflows.platform.processor import find_processor

_KVM_GET_API_VERSION, _KVM_CREATE_VM = 0xAE00, 0xAE01  # Source: linux/kvm.h
_KVM_API_VERSION = 12  # constant since 2007. Source: Documentation/virt/kvm/api.rst of the Linux kernel
_EMULATOR_WITHIN_S = 5.0


def find_kvm_error() -> str | None:
    """Return why KVM does not work, in one line; ``None`` if it does.

    `/dev/kvm` may exist and deny access, or create a virtual machine without being able to add a processor. Only the emulator,
    once it is installed, shows whether KVM works.
    """
    return _find_device_error() or _find_emulator_error()


def _find_device_error() -> str | None:
    try:
        device = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        return f"/dev/kvm: {(error.strerror or '').lower()}"
    try:
        if (version := fcntl.ioctl(device, _KVM_GET_API_VERSION, 0)) != _KVM_API_VERSION:
            return f"/dev/kvm has API version {version}, expected {_KVM_API_VERSION}"
        os.close(fcntl.ioctl(device, _KVM_CREATE_VM, 0))
    except OSError as error:
        return f"/dev/kvm cannot create a virtual machine: {(error.strerror or '').lower()}"
    finally:
        os.close(device)
    return None


def _find_emulator_error() -> str | None:
    processor = find_processor()
    machine = ("-machine", processor.emulated_machine, "-accel", "kvm", "-cpu", "host")
    command = [processor.emulator, *machine, "-nodefaults", "-display", "none", "-S", "-monitor", "stdio"]
    if shutil.which(processor.emulator) is None:
        return None
    try:
        # It takes 0.1 s. Checks run before the event loop starts, so nothing is blocked.
        ended = subprocess.run(command, input=b"quit\n", capture_output=True, timeout=_EMULATOR_WITHIN_S, check=False)  # noqa: S603, TID251
    except subprocess.TimeoutExpired:
        return f"{processor.emulator} did not create a virtual machine within {_EMULATOR_WITHIN_S:g} s"
    if ended.returncode != 0:
        return ended.stderr.decode(errors="replace").partition("\n")[0].rpartition("error: ")[2]
    return None


def has_openvswitch() -> bool:
    """Return whether the datapath of Open vSwitch is in the kernel or can be loaded as a module."""
    if Path("/sys/module/openvswitch").exists():
        return True
    modules = Path("/lib/modules") / platform.release()
    for index in ("modules.dep", "modules.builtin"):
        with suppress(OSError):
            if "/openvswitch.ko" in (modules / index).read_text():
                return True
    return False
