"""nova's configuration: one file for all of its services."""

import os
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.probe import Probe
from novaflow.model.service import Service
from workflows.infra.database.urls import database_url
from workflows.infra.libvirt.address import libvirt_url
from workflows.infra.libvirt.settings import LibvirtSettings, LibvirtType
from workflows.infra.openvswitch.bridges import INTEGRATION, ovsdb_address
from workflows.platform.kernel import find_kvm_error
from workflows.services.ini import Sections, render_ini
from workflows.services.neutron.settings import NetMan, NetworkSettings
from workflows.services.nova.notifications import notifying
from workflows.services.nova.settings import NovaSettings
from workflows.services.openstack import locks, messaging, privileged, service_credentials, token_validation

API_PORT = 8774
CONSOLE_PORT, CONSOLE_PAGE = 6080, "vnc_lite.html"  # of noVNC's pages the one that connects by itself


def config_file(ctx: Context) -> Path:
    """Return where nova's configuration lies."""
    return ctx.paths.etc / "nova" / "nova.conf"


def api_environment(ctx: Context) -> dict[str, str]:
    """Return what one of nova's APIs finds its configuration with."""
    return {
        "OS_NOVA_CONFIG_DIR": str(config_file(ctx).parent),
        "OS_NOVA_CONFIG_FILES": "api-paste.ini;nova.conf",
        "OS_NOVA_DISABLE_EVENTLET_PATCHING": "true",
    }


async def write_config(ctx: Context) -> None:
    """Write nova's configuration from the settings."""
    host = ctx.settings.host_ip
    options: Sections = {
        "DEFAULT": {
            "use_stderr": True,
            "host": os.uname().nodename,
            "my_ip": host,
            "state_path": ctx.paths.data / "nova",
            "instances_path": ctx.settings.of(NovaSettings).instances_path,
            "compute_driver": "fake.FakeDriver"
            if ctx.settings.of(LibvirtSettings).libvirt_type is LibvirtType.FAKE
            else "libvirt.LibvirtDriver",
            "graceful_shutdown_timeout": 2,  # 180 s by default
            "report_interval": 10,
            "service_down_time": 60,
            "periodic_fuzzy_delay": 0,
            "reserved_host_memory_mb": 0,
            "reserved_host_disk_mb": 0,
            "initial_cpu_allocation_ratio": 16.0,
            "initial_ram_allocation_ratio": 2.0,
            "initial_disk_allocation_ratio": 10.0,
            "vif_plugging_timeout": 120,
            # Where nobody hands out addresses, servers read theirs from a drive: as JSON, and as Debian's file of interfaces.
            "force_config_drive": ctx.settings.of(NetworkSettings).net_man is NetMan.FLAT,
            "flat_injected": ctx.settings.of(NetworkSettings).net_man is NetMan.FLAT,
        },
        "api": {"auth_strategy": "keystone"},
        "api_database": {"connection": database_url(ctx, "nova_api")},
        "database": {"connection": database_url(ctx, "nova")},
        "conductor": {"workers": 1},
        # A new host shows up within this many seconds, without a command that takes six.
        "scheduler": {"workers": 1, "discover_hosts_in_cells_interval": 2},
        "libvirt": {
            "virt_type": virtualisation(ctx.settings.of(LibvirtSettings).libvirt_type),
            "cpu_mode": "host-passthrough" if virtualisation(ctx.settings.of(LibvirtSettings).libvirt_type) == "kvm" else "none",
            "connection_uri": libvirt_url(ctx.settings, ctx.paths),
            "images_type": "raw",
        },
        "vnc": {
            "enabled": ctx.has_component("nova-novncproxy"),
            "server_listen": host,
            "server_proxyclient_address": host,
            "novncproxy_host": host,
            "novncproxy_port": CONSOLE_PORT,
            "novncproxy_base_url": f"http://{host}:{CONSOLE_PORT}/{CONSOLE_PAGE}",
        },
        "spice": {"enabled": False},
        "cache": {"enabled": True, "backend": "oslo_cache.dict"},
        "os_vif_ovs": {"ovsdb_connection": ovsdb_address(ctx.paths)},
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
    text = render_ini(
        options,
        messaging(ctx),
        notifying(ctx),
        token_validation(ctx, "nova"),
        locks(ctx, "nova"),
        privileged(ctx, config_file(ctx), "nova_sys_admin", "vif_plug_ovs_privileged", "privsep_osbrick"),
    )
    await ctx.write(config_file(ctx), text, 0o600)


def virtualisation(chosen: LibvirtType) -> str:
    """Return nova's ``virt_type``: ``auto`` is KVM where it works; ``fake`` has none, and any will do."""
    match chosen:
        case LibvirtType.AUTO:
            return "qemu" if find_kvm_error() else "kvm"
        case LibvirtType.FAKE:
            return "qemu"
        case _:
            return str(chosen)


def daemon(name: str, summary: str, ready: Probe, needs: tuple[str, ...]) -> Service:
    """Return one of nova's services that listen on no port."""
    return Service(
        name=name,
        summary=summary,
        command=lambda ctx: (ctx.paths.venv / "bin" / name, "--config-file", config_file(ctx)),
        # nova 34 runs on native threads unless told otherwise.
        env=lambda _: {"OS_NOVA_DISABLE_EVENTLET_PATCHING": "true"},
        ready=ready,
        needs=("nova.configure", "database", "rabbitmq", *needs),
        within_s=120,
    )
