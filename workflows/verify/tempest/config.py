"""tempest's configuration: what the stack is and offers."""

from novaflow.model.context import Context
from workflows.images.tty.component import bootable_disk
from workflows.services.cinder.component import MULTIATTACH
from workflows.services.keystone.client import Api
from workflows.services.keystone.identity import DOMAIN_NAME, REGION
from workflows.services.neutron.networks import PUBLIC
from workflows.services.oslo.config_file import Sections
from workflows.verify.server_access import find_obstacle
from workflows.verify.verify_server import SMALLEST_FLAVOR, runs_servers

IMAGE, OTHER_IMAGE = "disk-tty", "ami-tty"
OTHER_FLAVOR = "2"
PREFIX = "novaflow-tempest"  # of the names of all resources; users have no others with it
BOOT_WITHIN_S = 300  # an emulated processor is slow, and two tests run at once
SERVICES = {
    "cinder": "cinder",
    "glance": "glance",
    "keystone": "keystone",
    "neutron": "neutron",
    "nova": "nova-api",
    "placement": "placement",
}
OTHER_SERVICES = ("horizon", "swift")  # which no stack has; tempest has tests for them


async def collect_options(ctx: Context, api: Api) -> Sections:
    """Return the options of tempest.conf; ids and extensions come from the APIs of the running stack."""
    return {
        # The runner prints the debug output of each failed test; tempest's own log would have that of all.
        "DEFAULT": {"debug": True, "log_file": "/dev/null", "resource_name_prefix": PREFIX},
        "oslo_concurrency": {"lock_path": ctx.paths.run / "tempest"},
        "auth": {
            "use_dynamic_credentials": True,
            "admin_username": "admin",
            "admin_password": ctx.secret("account-admin"),
            "admin_project_name": "admin",
            "admin_domain_name": DOMAIN_NAME,
            "tempest_roles": "member",
        },
        "placement": {"max_microversion": "latest"},
        "identity": {"uri_v3": api.url("identity", ""), "auth_version": "v3", "region": REGION},
        "service_available": _services(ctx),
        **await _compute(ctx, api),
        **await _network(ctx, api),
        **_images_and_volumes(ctx),
        **_access(ctx),
    }


def _services(ctx: Context) -> dict[str, bool]:
    return {name: ctx.has_component(component) for name, component in SERVICES.items()} | dict.fromkeys(OTHER_SERVICES, False)


async def _compute(ctx: Context, api: Api) -> Sections:
    images = {image["name"]: image["id"] for image in (await api.get("image", "/v2/images?visibility=public"))["images"]}
    hosts = len((await api.get("compute", "/os-services?binary=nova-compute"))["services"])
    real, several = runs_servers(ctx.settings), hosts > 1
    return {
        "compute": {
            "image_ref": images[IMAGE],
            "image_ref_alt": images[OTHER_IMAGE],
            "flavor_ref": SMALLEST_FLAVOR,
            "flavor_ref_alt": OTHER_FLAVOR,
            "min_compute_nodes": hosts,
            "max_microversion": "latest",
            "build_timeout": BOOT_WITHIN_S,
        },
        "compute-feature-enabled": {
            "resize": True,
            "cold_migration": several,
            "live_migration": several and real,
            "block_migration_for_live_migration": several and real,
            "vnc_console": ctx.has_component("nova-novncproxy"),
            "console_output": real,
            "stable_rescue": real,
            "volume_multiattach": ctx.has_component("cinder"),
            "attach_encrypted_volume": False,  # needs a key manager
            "hostname_fqdn_sanitization": True,
            "config_drive": real,
            "personality": False,
        },
    }


async def _network(ctx: Context, api: Api) -> Sections:
    networks = (await api.get("network", f"/v2.0/networks?name={PUBLIC}"))["networks"]
    extensions = (await api.get("network", "/v2.0/extensions"))["extensions"]
    aliases = sorted(extension["alias"] for extension in extensions)
    public = {"public_network_id": networks[0]["id"], "floating_network_name": PUBLIC} if networks else {}
    return {
        "network": {**public, "build_timeout": BOOT_WITHIN_S},
        "network-feature-enabled": {
            "api_extensions": ",".join(aliases),
            "floating_ips": ctx.has_component("neutron-l3-agent"),
            "port_security": "port-security" in aliases,
            "ipv6_subnet_attributes": True,
        },
    }


def _images_and_volumes(ctx: Context) -> Sections:
    return {
        "image-feature-enabled": {"import_image": True},
        "volume": {
            "manage_snapshot_ref": "source-name,snapshot-%s",  # the default is of LVM
            "catalog_type": "block-storage",
            "storage_protocol": "ceph",
            "vendor_name": "Open Source",
            "max_microversion": "latest",
            "build_timeout": BOOT_WITHIN_S,
            "volume_type_multiattach": MULTIATTACH,
        },
        "volume-feature-enabled": {
            "backup": False,
            "manage_snapshot": True,
            "manage_volume": True,
            "extend_attached_volume": True,
        },
        "scenario": {"img_file": bootable_disk(ctx), "img_disk_format": "raw", "img_container_format": "bare"},
    }


def _access(ctx: Context) -> Sections:
    """Return how tests log in to servers; without an address or a key they do not."""
    can_log_in = runs_servers(ctx.settings) and find_obstacle(ctx) is None
    return {"validation": {"run_validation": can_log_in, "connect_method": "floating", "image_ssh_user": "root"}}
