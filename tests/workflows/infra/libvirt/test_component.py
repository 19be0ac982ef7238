"""The hypervisor: its check and its configuration."""

from collections.abc import Callable
from pathlib import Path

import pytest

from novaflow.adapters.local import NodeContext
from novaflow.model.check import CheckResult, Severity
from novaflow.model.paths import Paths
from tests.support.settings import make_settings
from workflows.infra.libvirt.address import libvirt_url
from workflows.infra.libvirt.component import LIBVIRTD, check_kvm, configure
from workflows.infra.libvirt.settings import LibvirtType
from workflows.platform.kernel import find_kvm_error

MakeContext = Callable[..., NodeContext]


@pytest.mark.parametrize("libvirt_type", [LibvirtType.FAKE, LibvirtType.LXC, LibvirtType.QEMU])
def test_kvm_is_not_required_by_other_types(tmp_path: Path, libvirt_type: LibvirtType) -> None:
    """Nothing is checked."""
    expected = CheckResult("virtualisation", Severity.GOOD, f"not required by LIBVIRT_TYPE={libvirt_type}")
    assert check_kvm(make_settings(libvirt_type=libvirt_type), Paths(tmp_path)) == expected


def test_kvm_that_does_not_work_is_bad_if_it_is_required(tmp_path: Path) -> None:
    """With `auto` servers are emulated, and no action is needed for small ones."""
    error = find_kvm_error()
    required, preferred = (check_kvm(make_settings(libvirt_type=one), Paths(tmp_path)) for one in (LibvirtType.KVM, LibvirtType.AUTO))
    if error is None:
        assert required == preferred == CheckResult("virtualisation", Severity.GOOD, "KVM works")
    else:
        assert (required.severity, preferred.severity) == (Severity.BAD, Severity.WARNING)
        assert required.found == f"KVM does not work ({error}); LIBVIRT_TYPE=kvm requires it"
        assert preferred.advice == "no action needed for small servers"


@pytest.mark.parametrize(("libvirt_type", "driver"), [(LibvirtType.QEMU, "qemu"), (LibvirtType.LXC, "lxc")])
def test_the_address_names_the_driver(tmp_path: Path, libvirt_type: LibvirtType, driver: str) -> None:
    """The socket is in the folder of the stack."""
    url = libvirt_url(make_settings(libvirt_type=libvirt_type), Paths(tmp_path))
    assert url == f"{driver}+unix:///system?socket={tmp_path}/run/libvirt/libvirt-sock"


async def test_libvirt_listens_in_the_folder_of_the_stack(make_context: MakeContext) -> None:
    """Its configuration replaces that of an earlier run."""
    ctx = make_context()
    (ctx.paths.data / "libvirt/etc/qemu").mkdir(parents=True)
    (ctx.paths.data / "libvirt/etc/qemu/old.xml").touch()
    await configure.body(ctx)
    config = (ctx.paths.data / "libvirt/etc/libvirtd.conf").read_text()
    assert f'unix_sock_dir = "{ctx.paths.run}/libvirt"' in config
    assert [*(ctx.paths.data / "libvirt/etc/qemu").glob("*.xml")] == []


def test_nova_without_hypervisor_starts_no_libvirt() -> None:
    """LIBVIRT_TYPE=fake uses nova's fake driver."""
    assert not LIBVIRTD.when(make_settings(libvirt_type=LibvirtType.FAKE))
    assert LIBVIRTD.when(make_settings())
