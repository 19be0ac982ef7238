"""Settings of the hypervisor."""

from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field

from novaflow.settings import Allowed, SettingsGroup

T = TypeVar("T")


class LibvirtType(StrEnum):
    """The virtualisation that servers use."""

    AUTO = "auto"  # KVM if it works, else QEMU
    KVM = "kvm"
    QEMU = "qemu"
    LXC = "lxc"
    FAKE = "fake"  # nova's fake driver, which needs neither a hypervisor nor privileges


def _refuse_uml(value: T) -> T:
    if value == "uml":
        raise ValueError("User Mode Linux was removed from Nova")
    return value


class LibvirtSettings(SettingsGroup):
    """The virtualisation that servers use."""

    libvirt_type: Annotated[LibvirtType, BeforeValidator(_refuse_uml), Allowed(", ".join(LibvirtType))] = Field(
        default=LibvirtType.AUTO,
        description="How servers run; auto: kvm if it works here, else qemu; fake: servers are simulated.",
    )
