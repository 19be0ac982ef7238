"""Debian and the distributions derived from it: paths, and names of packages that differ between releases."""

import sysconfig
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from workflows.platform.apt import Apt
from workflows.platform.distribution import Distribution

DEBIAN = Distribution(
    name="Debian",
    manager=Apt(),
    family_names=lambda packages: packages.debian,
    paths={
        "busybox": Path("/bin/busybox"),
        "dropbear": Path("/usr/sbin/dropbear"),
        "ldap-modules": Path("/usr/lib/ldap"),
        "ldap-schemas": Path("/etc/ldap/schema"),
        "libvirtd": Path("/usr/sbin/libvirtd"),
        "novnc": Path("/usr/share/novnc"),
        "openvswitch-schema": Path("/usr/share/openvswitch/vswitch.ovsschema"),
        "python": Path("/usr/bin/python3"),
        "python-modules": Path("/usr/lib/python3/dist-packages"),
        "rados-classes": Path("/usr/lib", sysconfig.get_config_var("MULTIARCH") or "", "rados-classes"),
        "rabbitmq-server": Path("/usr/lib/rabbitmq/bin/rabbitmq-server"),
        "systemd-boot": Path("/usr/lib/systemd/boot/efi/systemd-bootaa64.efi"),
    },
    names_by_processor={
        "aarch64": {
            "linux-image-cloud-amd64": ("linux-image-cloud-arm64",),
            "qemu-system-x86": ("qemu-system-arm", "qemu-efi-aarch64"),
            "syslinux": ("systemd-boot-efi",),
        },
    },
)

# Its kernel for virtual machines is the usual one without the modules that these do not need.
# Source: https://wiki.ubuntu.com/Kernel/Dev/Meta-Pkgs, read on 2026-11-28
UBUNTU = replace(DEBIAN, name="Ubuntu", package_names={"linux-image-cloud-amd64": ("linux-image-virtual",)})

# libvirt 11 has a package for each driver: nova needs secrets for volumes, and lists devices of the machine.
SPLIT_LIBVIRT = {"libvirt-daemon": ("libvirt-daemon", "libvirt-daemon-driver-nodedev", "libvirt-daemon-driver-secret")}

# By ID and VERSION_ID of os-release(5). A release without an entry has the data of its family.
RELEASES: Mapping[tuple[str, str], Distribution] = {
    ("debian", "13"): replace(DEBIAN, package_names=SPLIT_LIBVIRT),
    # Source: https://packages.ubuntu.com/resolute/libvirt-daemon, in an index of 2026
    ("ubuntu", "26.04"): replace(UBUNTU, package_names={**UBUNTU.package_names, **SPLIT_LIBVIRT}),
}
