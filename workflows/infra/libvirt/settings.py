"""Settings of the hypervisor."""

from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field

from novaflow.settings import Allowed, SettingsGroup

T = TypeVar("T")


class LibvirtType(StrEnum):
    """How servers run."""

    AUTO = "auto"  # KVM if it works, else QEMU
    KVM = "kvm"
    QEMU = "qemu"
    LXC = "lxc"
    FAKE = "fake"  # no hypervisor and no privileges: servers are only rows in a table


def _refuse_uml(value: T) -> T:
    if value == "uml":
        raise ValueError("User Mode Linux was removed from Nova")
    return value


class LibvirtSettings(SettingsGroup):
    """How servers run."""

    libvirt_type: Annotated[LibvirtType, BeforeValidator(_refuse_uml), Allowed(", ".join(LibvirtType))] = Field(
        default=LibvirtType.AUTO,
        description="How servers run; auto: kvm if it works here, else qemu; fake: servers are simulated.",
    )
