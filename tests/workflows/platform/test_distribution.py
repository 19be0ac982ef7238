"""Distributions: paths and package names as data, and which one this machine has."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from novaflow.errors import MachineError
from workflows.images.tty.component import KERNEL
from workflows.platform.debian import DEBIAN, UBUNTU
from workflows.platform.detect import find_distribution
from workflows.platform.system_packages import SystemPackages

ROOT = Path(__file__).parents[3]
SOURCES = [path for path in (ROOT / "workflows").rglob("*") if path.suffix in {".py", ".sh"}]
OUTSIDE = [path for path in SOURCES if "platform" not in path.parts]
# A release that has another path and another name than its family, and lacks a package.
OTHER = replace(
    DEBIAN,
    name="Other 1",
    paths={**DEBIAN.paths, "busybox": Path("/opt/busybox")},
    package_names={"novnc": ("novnc-pages", "novnc-common"), "brz": ()},
)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"ID": "debian", "VERSION_ID": "12", "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)"}, "Debian GNU/Linux 12 (bookworm)"),
        ({"ID": "ubuntu", "ID_LIKE": "debian", "PRETTY_NAME": "Ubuntu 24.04 LTS"}, "Ubuntu 24.04 LTS"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian", "PRETTY_NAME": "Linux Mint 22"}, "Linux Mint 22"),
    ],
)
def test_a_derived_distribution_has_the_data_of_its_family(fields: dict[str, str], name: str) -> None:
    """A release without an entry uses its family's paths and names; messages show its own name."""
    family = DEBIAN if fields["ID"] == "debian" else UBUNTU
    assert find_distribution(fields, "x86_64") == replace(family, name=name)


@pytest.mark.parametrize(("family", "kernel"), [("debian", "linux-image-cloud-arm64"), ("ubuntu", "linux-image-virtual")])
def test_packages_for_another_processor_have_other_names(family: str, kernel: str) -> None:
    """Those of the guest's kernel, of QEMU and of the boot loader; a release has the last word."""
    declared = SystemPackages(debian=("linux-image-cloud-amd64", "qemu-system-x86", "qemu-utils", "syslinux"))
    names = (kernel, "qemu-system-arm", "qemu-efi-aarch64", "qemu-utils", "systemd-boot-efi")
    assert find_distribution({"ID": family}, "aarch64").resolve(declared) == names


def test_a_release_of_ubuntu_has_the_names_of_ubuntu() -> None:
    """Those of 26.04 are split like those of Debian 13."""
    libvirt = SystemPackages(debian=("libvirt-daemon", "linux-image-cloud-amd64"))
    fields = {"ID": "ubuntu", "ID_LIKE": "debian", "VERSION_ID": "26.04"}
    split = ("libvirt-daemon", "libvirt-daemon-driver-nodedev", "libvirt-daemon-driver-secret")
    assert find_distribution(fields, "x86_64").resolve(libvirt) == (*split, "linux-image-virtual")
    assert find_distribution({**fields, "VERSION_ID": "24.04"}, "x86_64").resolve(libvirt) == ("libvirt-daemon", "linux-image-virtual")


def test_the_guests_kernel_is_that_of_the_distribution() -> None:
    """Ubuntu has no package of Debian's name."""
    (declared,) = KERNEL.packages.debian
    assert (DEBIAN.resolve(KERNEL.packages), UBUNTU.resolve(KERNEL.packages)) == ((declared,), ("linux-image-virtual",))


@pytest.mark.parametrize(
    ("fields", "name"),
    [({"ID": "fedora", "PRETTY_NAME": "Fedora Linux 43"}, "Fedora Linux 43"), ({}, "an unknown system")],
)
def test_another_distribution_is_rejected(fields: dict[str, str], name: str) -> None:
    """The error names the distribution and those that are supported."""
    with pytest.raises(MachineError, match=f"^{name} is not supported; use Debian 12 or newer, or Ubuntu 24.04 or newer$"):
        find_distribution(fields)


def test_a_release_overrides_a_path() -> None:
    """Its other paths are those of the family."""
    assert (OTHER.path("busybox"), OTHER.path("dropbear")) == (Path("/opt/busybox"), Path("/usr/sbin/dropbear"))


def test_an_unknown_path_is_rejected() -> None:
    """The error names the release and the missing entry."""
    with pytest.raises(MachineError, match=r"^Other 1 has no emacs; add its path to workflows/platform$"):
        OTHER.path("emacs")


def test_a_path_in_an_unpacked_package_is_below_its_folder(tmp_path: Path) -> None:
    """The path of the installed package starts at the folder instead of the root."""
    assert DEBIAN.unpacked_path(tmp_path, "novnc") == tmp_path / "usr/share/novnc"


def test_a_release_overrides_the_name_of_a_package() -> None:
    """Each package is listed once, whatever the number of components that declare it."""
    declared = (SystemPackages(debian=("novnc", "git")), SystemPackages(debian=("git",)))
    assert DEBIAN.resolve(*declared) == ("novnc", "git")
    assert OTHER.resolve(*declared) == ("novnc-pages", "novnc-common", "git")


def test_a_package_that_a_release_lacks_is_rejected() -> None:
    """The error names the release, the package, and what the user can do."""
    expected = r"^Other 1 has no package brz; set NOVAFLOW_SERVICES without the components that need it$"
    with pytest.raises(MachineError, match=expected):
        OTHER.resolve(SystemPackages(debian=("brz", "git")))
    assert OTHER.missing_packages == ("brz",)


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(ROOT / "workflows")))
def test_only_the_platform_knows_a_distribution(path: Path) -> None:
    """A path of a distribution or a call of its package manager is in workflows/platform alone."""
    assert re.findall(r"/usr/\S*|\bapt\b\S*|\bdpkg\b\S*|dist-packages", path.read_text()) == []


def test_every_path_that_components_use_has_an_entry() -> None:
    """A misspelt name would be found only when the step runs."""
    used = {name for path in OUTSIDE for name in re.findall(r"(?:\.path|unpacked_path)\((?:\w+, )?[\"']([\w-]+)[\"']\)", path.read_text())}
    assert used - DEBIAN.paths.keys() == set()
    assert {"rabbitmq-server", "openvswitch-schema", "novnc", "libvirtd"} <= used
