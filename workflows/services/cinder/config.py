"""cinder's configuration."""

from pathlib import Path

from novaflow.model.context import Context
from workflows.infra.ceph.cluster import POOL, SECRET, ceph_config
from workflows.infra.database.origin import host_name
from workflows.infra.database.urls import database_url
from workflows.services.keystone.service_auth import service_credentials, token_validation
from workflows.services.oslo.config_file import OsloConfig, Sections
from workflows.services.oslo.sections import locks, messaging, privsep

CINDER_CONF = OsloConfig("cinder/.cinder/cinder.conf", "cinder")
BACKEND = "rbd"
# cinder-backup does not run: a backup would be in error, and cinder deletes one only with the help of that service.
POLICY = '"backup:create": "!"\n"backup:backup-import": "!"\n'


def config_file(ctx: Context) -> Path:
    """Return the path of cinder.conf; the API finds it below its home folder."""
    return CINDER_CONF.path(ctx)


def state_folder(ctx: Context) -> Path:
    """Return the folder of cinder's temporary files and locks between processes."""
    return ctx.paths.data / "cinder"


async def write_config(ctx: Context) -> None:
    """Write cinder.conf from the settings."""
    state, policy = state_folder(ctx), config_file(ctx).with_name("policy.yaml")
    await ctx.write(policy, POLICY)
    options: Sections = {
        "DEFAULT": {
            "use_stderr": True,
            "host": host_name(ctx.paths),
            "my_ip": ctx.settings.local_ip,
            "state_path": state,
            "image_conversion_dir": state / "conversion",
            "api_paste_config": ctx.paths.venv / "etc" / "cinder" / "api-paste.ini",
            "resource_query_filters_file": ctx.paths.venv / "etc" / "cinder" / "resource_filters.json",
            "auth_strategy": "keystone",
            "enabled_backends": BACKEND,
            "report_interval": 10,
            # The scheduler learns the pool from a report of cinder-volume. Reports are sent at its start and periodically; the first
            # is lost if the scheduler does not listen yet. With the defaults, the next one follows after up to two minutes.
            "backend_stats_polling_interval": 10,
            "periodic_interval": 10,
            "periodic_fuzzy_delay": 0,
            "glance_num_retries": 3,
            "graceful_shutdown_timeout": 2,
            "enable_force_upload": True,
            "rootwrap_config": ctx.paths.venv / "etc" / "cinder" / "rootwrap.conf",
        },
        "database": {"connection": database_url(ctx, "cinder")},
        "oslo_policy": {"policy_file": policy},
        "coordination": {"backend_url": f"file://{state}"},
        "nova": service_credentials(ctx, "nova"),
        "service_user": {**service_credentials(ctx, "cinder"), "send_service_user_token": True},
        BACKEND: {
            "volume_driver": "cinder.volume.drivers.rbd.RBDDriver",
            "volume_backend_name": BACKEND,
            "rbd_pool": POOL,
            "rbd_user": "cinder",
            "rbd_ceph_conf": ceph_config(ctx.paths),
            "rbd_secret_uuid": str(SECRET),
            "rbd_exclusive_cinder_pool": True,
            "max_over_subscription_ratio": "1.0",  # the pool has space for the full size of every volume
            "report_discard_supported": True,
        },
    }
    helpers = privsep(ctx, config_file(ctx), "cinder_sys_admin", "privsep_osbrick")
    layers = (options, messaging(ctx), token_validation(ctx, "cinder"), locks(ctx, "cinder"), helpers)
    await CINDER_CONF.write(ctx, *layers)
