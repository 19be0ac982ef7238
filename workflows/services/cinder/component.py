"""cinder, the block storage service, on the stack's Ceph."""

import shutil
from dataclasses import replace
from pathlib import Path

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.endpoint import Endpoint
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.service import Service
from novaflow.model.settings import Settings
from novaflow.model.step import ConcurrencyPool, Skipped, step
from workflows.infra.ceph.cluster import SECRET, ceph_config, keyring, read_key
from workflows.infra.database.cloud_data import Countable
from workflows.infra.database.urls import Database
from workflows.infra.libvirt.address import libvirt_url
from workflows.infra.libvirt.settings import LibvirtSettings, LibvirtType
from workflows.infra.rabbitmq.urls import RpcQueue
from workflows.platform.requirements import PythonPackages
from workflows.services.cinder.config import CINDER_CONF, config_file, state_folder, write_config
from workflows.services.keystone.accounts import account, password
from workflows.services.keystone.client import admin_api
from workflows.services.oslo.rpc_ping import rpc_probe
from workflows.services.oslo.wsgi import WsgiApi

ENDPOINT = Endpoint("block-storage", port=8776, path="/v3")
MULTIATTACH = "multiattach"  # the name of a type of volumes
CONTROL_EXCHANGE = "openstack"  # oslo.messaging's default
SECRET_XML = f"""\
<secret ephemeral='no' private='yes'>
  <uuid>{SECRET}</uuid>
  <usage type='ceph'><name>client.cinder</name></usage>
</secret>
"""

API = WsgiApi(
    name="cinder-api",
    summary="Block Storage API.",
    application="cinder.wsgi.api:application",
    port=ENDPOINT.port,
    # It takes the path of its file only from arguments, which gunicorn would parse; otherwise it searches its home folder.
    env=lambda ctx: {"HOME": str(ctx.paths.etc / "cinder")},
    needs=("cinder.configure", "database", "rabbitmq"),
    # A second request would see a part of the rules while the first one loads them, and be refused.
    prepare="from cinder import policy; policy.init()",
)


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write cinder's configuration and empty its state folder."""
    shutil.rmtree(state_folder(ctx), ignore_errors=True)
    (state_folder(ctx) / "conversion").mkdir(parents=True)
    await write_config(ctx)
    await API.configure(ctx)
    return str(config_file(ctx))


@step(needs=("cinder.configure", "database"), pool=ConcurrencyPool.CPU, within_s=300)
async def schema(ctx: Context) -> None:
    """Migrate cinder's database."""
    await ctx.run("cinder-manage", "--config-file", config_file(ctx), "db", "sync")


async def _find_pool(ctx: Context) -> str:
    """Check that the scheduler knows the capacity of the backend, without which it cannot choose it."""
    pools = (await admin_api(ctx).get("block-storage", "/scheduler-stats/get_pools?detail=true"))["pools"]
    free = [pool["capabilities"]["free_capacity_gb"] for pool in pools]
    if not free:
        raise NotYet("cinder's scheduler lists no storage pool")
    return f"cinder's scheduler lists a pool with {free[0]:g} GiB free"


def _daemon(name: str, summary: str, ready: FunctionProbe, needs: tuple[str, ...]) -> Service:
    return Service(
        name=name,
        summary=summary,
        command=lambda ctx: (ctx.paths.venv / "bin" / name, "--config-file", config_file(ctx)),
        # Ceph's library reads this file where no path is passed to it.
        env=lambda ctx: {"CEPH_CONF": str(ceph_config(ctx.paths))},
        ready=ready,
        needs=("cinder.configure", "database", "rabbitmq", *needs),
        within_s=120,
    )


SCHEDULER = _daemon("cinder-scheduler", "Chooses the backend of a new volume.", rpc_probe(CONTROL_EXCHANGE, "cinder-scheduler"), ())
DAEMON = _daemon(
    "cinder-volume", "Creates and attaches volumes.", FunctionProbe(_find_pool, "a pool in GET /v3/scheduler-stats/get_pools"), ("ceph",)
)
# To upload a volume as an image, os-brick reads the key of Ceph from this folder, and no option changes that. In a mount namespace
# of its own, the folder has the key of the stack, and that of the machine stays as it is.
WITH_KEYRING = 'mount -t tmpfs -o mode=700 tmpfs /etc/ceph && ln -s "$0" /etc/ceph/ceph.client.cinder.keyring && exec "$@"'


def _volume_command(ctx: Context) -> tuple[str | Path, ...]:
    namespace = ("unshare", "--mount", "--propagation", "slave")
    return (*namespace, "/bin/sh", "-c", WITH_KEYRING, keyring(ctx.paths, "client.cinder"), *DAEMON.command(ctx))


VOLUME = replace(DAEMON, command=_volume_command)


# As in DevStack.
@step(needs=("cinder-api", "keystone", "keystone.accounts", "cinder.account"), within_s=60)
async def multiattach(ctx: Context) -> Skipped | str:
    """Create the type of volumes that can be attached to several servers at once; it is kept if it exists."""
    api = admin_api(ctx)
    if MULTIATTACH in {each["name"] for each in (await api.get("block-storage", "/types"))["volume_types"]}:
        return Skipped("it exists")
    new = {"name": MULTIATTACH, "extra_specs": {"multiattach": "<is> True"}}
    await api.post("block-storage", "/types", {"volume_type": new})
    return MULTIATTACH


def _has_hypervisor(settings: Settings) -> bool:
    return settings.of(LibvirtSettings).libvirt_type is not LibvirtType.FAKE


@step(needs=("libvirtd", "ceph.prepare"), within_s=60, when=_has_hypervisor)
async def secret(ctx: Context) -> str:
    """Define the secret with which libvirt opens volumes in Ceph."""
    folder, url = ctx.paths.etc / "cinder", libvirt_url(ctx.settings, ctx.paths)
    await ctx.write(folder / "secret.xml", SECRET_XML)
    await ctx.write(folder / "secret.key", read_key(ctx.paths, "client.cinder"), 0o600)
    await ctx.run("virsh", "--connect", url, "secret-define", folder / "secret.xml")
    # From a file, because every user can read command lines.
    await ctx.run("virsh", "--connect", url, "secret-set-value", str(SECRET), "--file", folder / "secret.key")
    return str(SECRET)


COMPONENT = Component(
    name="cinder",
    summary="Volumes that can be attached to servers.",
    parts={
        "template": (configure, schema, account("cinder", ENDPOINT)),
        "rotate": (password("cinder"),),
        "run": (configure, API.service(), SCHEDULER, VOLUME, multiattach, secret),
    },
    aliases=("volume",),
    urls=lambda settings: {"volume": ENDPOINT.url(settings)},
    declares=(
        CINDER_CONF,
        PythonPackages(("cinder==29.0.0",)),
        Database("cinder"),
        Countable("volume", ("cinder.volumes",), "deleted = 0"),
        ENDPOINT,
        RpcQueue(CONTROL_EXCHANGE, "cinder-scheduler"),
    ),
)
