"""cinder: volumes that servers can be given, on 8776."""

import os
import shutil
from pathlib import Path

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.service import Service
from novaflow.model.settings import Settings
from novaflow.model.step import ConcurrencyPool, step
from workflows.infra.ceph.cluster import POOL, SECRET, ceph_config, read_key
from workflows.infra.database.urls import Database, database_url
from workflows.infra.libvirt.address import libvirt_url
from workflows.infra.libvirt.settings import LibvirtSettings, LibvirtType
from workflows.platform.requirements import PythonPackages
from workflows.services.ini import Sections, render_ini
from workflows.services.openstack import Api, account, locks, messaging, privileged, service_credentials, token_validation
from workflows.services.oslo_ping import rpc_probe
from workflows.services.wsgi import Wsgi

PORT = 8776
BACKEND = "rbd"
SECRET_XML = f"""\
<secret ephemeral='yes' private='yes'>
  <uuid>{SECRET}</uuid>
  <usage type='ceph'><name>client.cinder</name></usage>
</secret>
"""


def _config(ctx: Context) -> Path:
    return ctx.paths.etc / "cinder" / ".cinder" / "cinder.conf"


CINDER = Wsgi(
    name="cinder-api",
    summary="OpenStack Block Storage.",
    application="cinder.wsgi.api:application",
    port=PORT,
    # It takes the name of its file from arguments alone, which gunicorn reads as its own, or looks below the home.
    env=lambda ctx: {"HOME": str(ctx.paths.etc / "cinder")},
    needs=("cinder.configure", "database", "rabbitmq"),
)


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write cinder's configuration."""
    state = ctx.paths.data / "cinder"
    shutil.rmtree(state, ignore_errors=True)
    (state / "conversion").mkdir(parents=True)
    options: Sections = {
        "DEFAULT": {
            "use_stderr": True,
            "host": os.uname().nodename,
            "my_ip": ctx.settings.host_ip,
            "state_path": state,
            "image_conversion_dir": state / "conversion",
            "api_paste_config": ctx.paths.venv / "etc" / "cinder" / "api-paste.ini",
            "resource_query_filters_file": ctx.paths.venv / "etc" / "cinder" / "resource_filters.json",
            "auth_strategy": "keystone",
            "enabled_backends": BACKEND,
            "report_interval": 10,
            "glance_num_retries": 3,
            "graceful_shutdown_timeout": 2,
            "enable_force_upload": True,
            "rootwrap_config": ctx.paths.venv / "etc" / "cinder" / "rootwrap.conf",
        },
        "database": {"connection": database_url(ctx, "cinder")},
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
            "max_over_subscription_ratio": "1.0",  # what is promised can be written
            "report_discard_supported": True,
        },
    }
    helpers = privileged(ctx, _config(ctx), "cinder_sys_admin", "privsep_osbrick")
    await ctx.write(
        _config(ctx), render_ini(options, messaging(ctx), token_validation(ctx, "cinder"), locks(ctx, "cinder"), helpers), 0o600
    )
    await CINDER.configure(ctx)
    return str(_config(ctx))


@step(needs=("cinder.configure", "database"), pool=ConcurrencyPool.CPU, within_s=300)
async def schema(ctx: Context) -> None:
    """Bring cinder's tables to head."""
    await ctx.run("cinder-manage", "--config-file", _config(ctx), "db", "sync")


async def _ask_pool(ctx: Context) -> str:
    """Look whether the scheduler knows of the backend what it needs to choose it."""
    api = Api.logged_in(ctx)
    pools = (await api.call("GET", api.volume("/scheduler-stats/get_pools?detail=true")))["pools"]
    free = [pool["capabilities"]["free_capacity_gb"] for pool in pools]
    if not free:
        raise NotYet("cinder's scheduler knows of no backend")
    return f"cinder's scheduler knows of {free[0]:g} GiB that are free"


def _daemon(name: str, summary: str, ready: FunctionProbe, needs: tuple[str, ...]) -> Service:
    return Service(
        name=name,
        summary=summary,
        command=lambda ctx: (ctx.paths.venv / "bin" / name, "--config-file", _config(ctx)),
        # Ceph's library looks there for what it is not told.
        env=lambda ctx: {"CEPH_CONF": str(ceph_config(ctx.paths))},
        ready=ready,
        needs=("cinder.configure", "database", "rabbitmq", *needs),
        within_s=120,
    )


SCHEDULER = _daemon("cinder-scheduler", "Chooses where a volume lies.", rpc_probe("openstack", "cinder-scheduler"), ())
VOLUME = _daemon("cinder-volume", "Makes volumes.", FunctionProbe(_ask_pool, "free in GET /v3/scheduler-stats/get_pools"), ("ceph",))


def _is_real(settings: Settings) -> bool:
    return settings.of(LibvirtSettings).libvirt_type is not LibvirtType.FAKE


@step(needs=("libvirtd", "ceph.prepare"), within_s=60, when=_is_real)
async def secret(ctx: Context) -> str:
    """Give libvirt the key to volumes."""
    folder, url = ctx.paths.etc / "cinder", libvirt_url(ctx.settings, ctx.paths)
    await ctx.write(folder / "secret.xml", SECRET_XML)
    await ctx.write(folder / "secret.key", read_key(ctx.paths, "client.cinder"), 0o600)
    await ctx.run("virsh", "--connect", url, "secret-define", folder / "secret.xml")
    # From a file: what stands on a command line everybody may read.
    await ctx.run("virsh", "--connect", url, "secret-set-value", str(SECRET), "--file", folder / "secret.key")
    return str(SECRET)


COMPONENT = Component(
    name="cinder",
    summary="Volumes that servers can be given.",
    parts={
        "template": (configure, schema, account("cinder", "block-storage", f":{PORT}/v3")),
        "run": (configure, CINDER.service(), SCHEDULER, VOLUME, secret),
    },
    aliases=("volume",),
    urls=lambda settings: {"volume": f"http://{settings.host_ip}:{PORT}/v3"},
    declares=(Database("cinder"), PythonPackages(("cinder==29.0.0",))),
)
