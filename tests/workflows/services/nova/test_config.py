"""The effect of LIBVIRT_TYPE and NET_MAN on nova.conf; the kernel of this machine need not support the type."""

from configparser import RawConfigParser
from pathlib import Path

import pytest

from novaflow.model.settings import Settings
from tests.support.contexts import open_context
from tests.support.settings import make_settings
from workflows.infra.libvirt.settings import LibvirtType
from workflows.services.neutron.settings import NetMan
from workflows.services.nova.config import config_file, write_config


async def write(folder: Path, settings: Settings) -> RawConfigParser:
    """Return nova.conf as it is written for the settings."""
    config = RawConfigParser(strict=False)
    async with open_context(folder, settings=settings) as ctx:
        await write_config(ctx)
        config.read(config_file(ctx))
    return config


@pytest.mark.parametrize(
    ("libvirt_type", "driver", "virt_type", "cpu_mode", "scheme"),
    [
        (LibvirtType.KVM, "libvirt.LibvirtDriver", "kvm", "host-passthrough", "qemu"),
        (LibvirtType.QEMU, "libvirt.LibvirtDriver", "qemu", "none", "qemu"),
        (LibvirtType.LXC, "libvirt.LibvirtDriver", "lxc", "none", "lxc"),
        (LibvirtType.FAKE, "fake.FakeDriver", "qemu", "none", "qemu"),
    ],
)
async def test_the_libvirt_type_selects_the_driver(  # noqa: PLR0913, PLR0917 - a row of the table
    tmp_path: Path, libvirt_type: LibvirtType, driver: str, virt_type: str, cpu_mode: str, scheme: str
) -> None:
    """LIBVIRT_TYPE determines driver, virtualisation, CPU mode and libvirt's URI."""
    config = await write(tmp_path, make_settings(libvirt_type=libvirt_type))
    assert config["DEFAULT"]["compute_driver"] == driver
    assert config["libvirt"]["virt_type"] == virt_type
    assert config["libvirt"]["cpu_mode"] == cpu_mode
    assert config["libvirt"]["connection_uri"] == f"{scheme}+unix:///system?socket={tmp_path}/run/libvirt/libvirt-sock"


@pytest.mark.parametrize(("net_man", "injected"), [(NetMan.VLAN, "false"), (NetMan.FLAT_DHCP, "false"), (NetMan.FLAT, "true")])
async def test_addresses_are_injected_without_dhcp(tmp_path: Path, net_man: NetMan, injected: str) -> None:
    """With NET_MAN=FlatManager, servers read their address from a config drive."""
    config = await write(tmp_path, make_settings(net_man=net_man, libvirt_type=LibvirtType.QEMU))
    assert config["DEFAULT"]["force_config_drive"] == config["DEFAULT"]["flat_injected"] == injected


async def test_the_console_proxy_shows_its_certificate(tmp_path: Path) -> None:
    """It connects with a certificate only, and verifies that of QEMU, which no other machine can reach."""
    vnc = (await write(tmp_path, make_settings(host_ip="198.51.100.9")))["vnc"]
    assert vnc["novncproxy_host"] == "127.51.100.9"
    assert vnc["server_listen"] == vnc["server_proxyclient_address"] == "127.51.100.9"
    assert vnc["auth_schemes"] == "vencrypt"
    assert vnc["vencrypt_client_key"] == f"{tmp_path}/etc/console-tls/client/client-key.pem"
    assert vnc["vencrypt_client_cert"] == f"{tmp_path}/etc/console-tls/client/client-cert.pem"
    assert vnc["vencrypt_ca_certs"] == f"{tmp_path}/etc/console-tls/client/ca-cert.pem"
