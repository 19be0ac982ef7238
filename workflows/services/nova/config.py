"""nova's configuration: one file for all of its services."""

import uuid
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.probe import Probe
from novaflow.model.service import Service
from novaflow.model.settings import Settings
from workflows.infra.database.origin import host_name
from workflows.infra.database.urls import database_url
from workflows.infra.libvirt.address import libvirt_url
from workflows.infra.libvirt.console_tls import client_folder
from workflows.infra.libvirt.settings import LibvirtSettings, LibvirtType
from workflows.infra.openvswitch.bridges import INTEGRATION, ovsdb_address
from workflows.platform.kernel import find_kvm_error
from workflows.platform.processor import find_processor
from workflows.services.keystone.service_auth import service_credentials, token_validation
from workflows.services.neutron.settings import NetMan, NetworkSettings
from workflows.services.nova.endpoints import CONSOLE
from workflows.services.nova.fork_server import FORK_SERVER, NATIVE_THREADS
from workflows.services.nova.notifications import notification_sections
from workflows.services.nova.settings import NovaSettings
from workflows.services.nova.vendor_data import vendor_data_file
from workflows.services.oslo.config_file import OsloConfig, Sections, Value
from workflows.services.oslo.sections import locks, messaging, privsep

NOVA_CONF = OsloConfig("nova/nova.conf", "nova")
PRIVSEP_CONTEXTS = ("nova_sys_admin", "vif_plug_ovs_privileged", "privsep_osbrick")


def config_file(ctx: Context) -> Path:
    """Return the path of nova.conf."""
    return NOVA_CONF.path(ctx)


def api_environment(ctx: Context) -> dict[str, str]:
    """Return the variables with which a WSGI application of nova finds its configuration."""
    return {
        "OS_NOVA_CONFIG_DIR": str(config_file(ctx).parent),
        "OS_NOVA_CONFIG_FILES": "api-paste.ini;nova.conf",
        **NATIVE_THREADS,
    }


async def write_config(ctx: Context) -> None:
    """Write nova.conf from the settings."""
    layers = (
        {"DEFAULT": _default_options(ctx), "libvirt": _libvirt_options(ctx), "vnc": _vnc_options(ctx)},
        _own_sections(ctx),
        _client_sections(ctx),
        messaging(ctx),
        notification_sections(ctx),
        token_validation(ctx, "nova"),
        locks(ctx, "nova"),
        privsep(ctx, config_file(ctx), *PRIVSEP_CONTEXTS, fork_server=FORK_SERVER),
    )
    await NOVA_CONF.write(ctx, *layers)


def _default_options(ctx: Context) -> dict[str, Value]:
    has_no_dhcp = ctx.settings.of(NetworkSettings).net_man is NetMan.FLAT
    return {
        "use_stderr": True,
        "host": host_name(ctx.paths),
        "my_ip": ctx.settings.local_ip,
        "state_path": ctx.paths.data / "nova",
        "instances_path": ctx.settings.of(NovaSettings).instances_path,
        "compute_driver": "fake.FakeDriver" if is_fake(ctx.settings) else "libvirt.LibvirtDriver",
        "graceful_shutdown_timeout": 2,  # 180 s by default
        "report_interval": 10,
        "service_down_time": 60,
        "periodic_fuzzy_delay": 0,
        "resume_guests_state_on_host_boot": True,  # servers that ran when the stack was stopped run again after its start
        "reserved_host_memory_mb": 0,
        "reserved_host_disk_mb": 0,
        "allow_resize_to_same_host": True,  # there may be no other one
        # The default makes a resize convert raw disks to qcow2, which the resized server then reads as raw ones: their content is lost.
        "use_cow_images": False,
        "initial_cpu_allocation_ratio": 16.0,
        "initial_ram_allocation_ratio": 2.0,
        "initial_disk_allocation_ratio": 10.0,
        "vif_plugging_timeout": 120,
        # Without DHCP, a server reads its address from a config drive: as JSON or as Debian's /etc/network/interfaces.
        "force_config_drive": has_no_dhcp,
        "flat_injected": has_no_dhcp,
    }


def _libvirt_options(ctx: Context) -> dict[str, Value]:
    virt_type = find_virt_type(ctx.settings.of(LibvirtSettings).libvirt_type)
    return {
        "virt_type": virt_type,
        **_processor_options(virt_type),
        "connection_uri": libvirt_url(ctx.settings, ctx.paths),
        "images_type": "raw",
        # A raw snapshot is uploaded with the size of the disk, and fills the disk of a server that is made of it.
        "snapshot_image_format": "qcow2",
    }


def _processor_options(virt_type: str) -> dict[str, Value]:
    if virt_type == "kvm":
        return {"cpu_mode": "host-passthrough"}
    model = find_processor().emulated_model
    return {"cpu_mode": "none"} if model is None or virt_type != "qemu" else {"cpu_mode": "custom", "cpu_models": model}


def _vnc_options(ctx: Context) -> dict[str, Value]:
    host, certificates = ctx.settings.local_ip, client_folder(ctx.paths)
    return {
        "enabled": ctx.has_component("nova-novncproxy"),
        "server_listen": host,
        "server_proxyclient_address": host,
        "novncproxy_host": host,
        "novncproxy_port": CONSOLE.port,
        "novncproxy_base_url": CONSOLE.url(ctx.settings),
        "auth_schemes": "vencrypt",
        "vencrypt_client_key": certificates / "client-key.pem",
        "vencrypt_client_cert": certificates / "client-cert.pem",
        "vencrypt_ca_certs": certificates / "ca-cert.pem",
    }


def _own_sections(ctx: Context) -> Sections:
    return {
        "api": {"auth_strategy": "keystone", "vendordata_jsonfile_path": vendor_data_file(ctx)},
        "api_database": {"connection": database_url(ctx, "nova_api")},
        "database": {"connection": database_url(ctx, "nova")},
        "conductor": {"workers": 1},
        # A new host is mapped to the cell within this many seconds; the command that maps it takes six.
        "scheduler": {"workers": 1, "discover_hosts_in_cells_interval": 2},
        "spice": {"enabled": False},
        "cache": {"enabled": True, "backend": "oslo_cache.dict"},
        "os_vif_ovs": {"ovsdb_connection": ovsdb_address(ctx.paths)},
    }


def _client_sections(ctx: Context) -> Sections:
    """Return the sections with which nova calls the APIs of other services."""
    return {
        "service_user": {**service_credentials(ctx, "nova"), "send_service_user_token": True},
        "placement": service_credentials(ctx, "placement"),
        "glance": {"valid_interfaces": "internal"},
        "cinder": {**service_credentials(ctx, "nova"), "catalog_info": "block-storage:cinder:internalURL"},
        "neutron": {
            **service_credentials(ctx, "neutron"),
            "ovs_bridge": INTEGRATION,
            "service_metadata_proxy": True,
            "metadata_proxy_shared_secret": ctx.secret("metadata"),
        },
    }


def is_fake(settings: Settings) -> bool:
    """Return whether nova's fake driver takes the place of a hypervisor."""
    return settings.of(LibvirtSettings).libvirt_type is LibvirtType.FAKE


def fake_host_id(paths: Paths) -> str:
    """Return the id of the host of the fake driver, which is the same at each start."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{paths.root}#{host_name(paths)}"))


def find_virt_type(chosen: LibvirtType) -> str:
    """Return nova's ``virt_type``: ``auto`` is KVM where it works; the fake driver ignores the value."""
    match chosen:
        case LibvirtType.AUTO:
            return "qemu" if find_kvm_error() else "kvm"
        case LibvirtType.FAKE:
            return "qemu"
        case _:
            return str(chosen)


def daemon(name: str, summary: str, ready: Probe, needs: tuple[str, ...]) -> Service:
    """Return a service of nova that listens on no port."""
    alone = Service(
        name=name,
        summary=summary,
        command=lambda ctx: (ctx.paths.venv / "bin" / name, "--config-file", config_file(ctx)),
        env=lambda _: NATIVE_THREADS,
        ready=ready,
        needs=("nova.configure", "database", "rabbitmq", *needs),
        within_s=120,
    )
    return FORK_SERVER.fork(alone)
