"""What this machine's kernel can do; asked of the kernel, not of the presence of a file."""

import fcntl
import os
import platform
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

_KVM_GET_API_VERSION, _KVM_CREATE_VM = 0xAE00, 0xAE01  # Source: linux/kvm.h
_KVM_API_VERSION = 12  # the only one there has been since 2007
EMULATOR_WITHIN_S = 5.0


def kvm_refusal() -> str | None:
    """Return why KVM does not work, ``None`` if it does.

    `/dev/kvm` can exist and refuse, or make a machine that no processor can be put into: the emulator has the last word,
    as soon as it is installed.
    """
    return _device_refusal() or _emulator_refusal()


def _emulator_refusal() -> str | None:
    command = ["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-nodefaults", "-display", "none", "-S", "-monitor", "stdio"]
    if shutil.which(command[0]) is None:
        return None
    try:
        # Done with in 0.1 s; a check looks before anything runs, so there is no event loop to stall.
        ended = subprocess.run(command, input=b"quit\n", capture_output=True, timeout=EMULATOR_WITHIN_S, check=False)  # noqa: S603, TID251
    except subprocess.TimeoutExpired:
        return f"a machine was not made within {EMULATOR_WITHIN_S:g} s"
    if ended.returncode != 0:
        return ended.stderr.decode(errors="replace").partition("\n")[0].rpartition("error: ")[2]
    return None


def _device_refusal() -> str | None:
    try:
        device = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        return f"/dev/kvm: {(error.strerror or '').lower()}"
    try:
        if (version := fcntl.ioctl(device, _KVM_GET_API_VERSION, 0)) != _KVM_API_VERSION:
            return f"its API has version {version}"
        os.close(fcntl.ioctl(device, _KVM_CREATE_VM, 0))
    except OSError as error:
        return f"/dev/kvm makes no machine: {(error.strerror or '').lower()}"
    finally:
        os.close(device)
    return None


def has_openvswitch() -> bool:
    """Return whether the kernel has Open vSwitch's datapath, or a module of it to load."""
    if Path("/sys/module/openvswitch").exists():
        return True
    modules = Path("/lib/modules") / platform.release()
    for index in ("modules.dep", "modules.builtin"):
        with suppress(OSError):
            if "/openvswitch.ko" in (modules / index).read_text():
                return True
    return False
