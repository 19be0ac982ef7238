"""What LIBVIRT_TYPE and NET_MAN write into nova.conf, also where this machine's kernel cannot run it."""

from configparser import RawConfigParser
from pathlib import Path

import pytest

from novaflow.adapters.http.client import HttpClient
from novaflow.adapters.process.context import NodeContext, StackResources
from novaflow.adapters.storage.secrets import Secrets
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from tests.support.settings import make_settings
from workflows.infra.libvirt.settings import LibvirtType
from workflows.services.neutron.settings import NetMan
from workflows.services.nova.config import config_file, write_config


@pytest.fixture
def anyio_backend() -> str:
    """Adapters run where aiofiles does."""
    return "asyncio"


async def write(folder: Path, settings: Settings) -> RawConfigParser:
    """Return nova.conf as the settings have it."""
    paths = Paths(folder)

    async def drained(_: float) -> bool:
        return True

    machine = StackResources(settings, paths, (), Secrets(folder / "secrets.json"), HttpClient(), lambda *_: None, drained)
    ctx = NodeContext(machine, "nova.configure")
    await write_config(ctx)
    config = RawConfigParser(strict=False)
    config.read(config_file(ctx))
    return config


@pytest.mark.parametrize(
    ("kind", "driver", "virtualisation", "processor", "scheme"),
    [
        (LibvirtType.KVM, "libvirt.LibvirtDriver", "kvm", "host-passthrough", "qemu"),
        (LibvirtType.QEMU, "libvirt.LibvirtDriver", "qemu", "none", "qemu"),
        (LibvirtType.LXC, "libvirt.LibvirtDriver", "lxc", "none", "lxc"),
        (LibvirtType.FAKE, "fake.FakeDriver", "qemu", "none", "qemu"),
    ],
)
async def test_what_boots_servers(  # noqa: PLR0913, PLR0917 - a row of the table
    tmp_path: Path, kind: LibvirtType, driver: str, virtualisation: str, processor: str, scheme: str
) -> None:
    """Driver, kind of virtualisation, processor, and whom libvirt speaks for."""
    config = await write(tmp_path, make_settings(libvirt_type=kind))
    assert config["DEFAULT"]["compute_driver"] == driver
    assert config["libvirt"]["virt_type"] == virtualisation
    assert config["libvirt"]["cpu_mode"] == processor
    assert config["libvirt"]["connection_uri"] == f"{scheme}+unix:///system?socket={tmp_path}/run/libvirt/libvirt-sock"


@pytest.mark.parametrize(("kind", "injected"), [(NetMan.VLAN, "false"), (NetMan.FLAT_DHCP, "false"), (NetMan.FLAT, "true")])
async def test_who_tells_servers_their_address(tmp_path: Path, kind: NetMan, injected: str) -> None:
    """A config drive, where nobody hands out addresses."""
    config = await write(tmp_path, make_settings(net_man=kind, libvirt_type=LibvirtType.QEMU))
    assert config["DEFAULT"]["force_config_drive"] == config["DEFAULT"]["flat_injected"] == injected
