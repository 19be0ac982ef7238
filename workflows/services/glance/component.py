"""glance, the image service."""

from pathlib import Path

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.endpoint import Endpoint
from novaflow.model.step import ConcurrencyPool, Skipped, step
from workflows.infra.database.urls import Database, database_url
from workflows.platform.disk import delete_folder
from workflows.platform.requirements import PythonPackages
from workflows.services.keystone.accounts import account, password
from workflows.services.keystone.service_auth import token_validation
from workflows.services.oslo.config_file import OsloConfig, Sections
from workflows.services.oslo.sections import locks
from workflows.services.oslo.wsgi import WsgiApi

ENDPOINT = Endpoint("image", port=9292)
GLANCE_CONF = OsloConfig("glance/glance-api.conf", "glance")


def _store(ctx: Context) -> Path:
    return ctx.paths.data / "glance"


API = WsgiApi(
    name="glance",
    summary="Image API.",
    application="glance.wsgi.api:application",
    port=ENDPOINT.port,
    env=lambda ctx: {"OS_GLANCE_CONFIG_DIR": str(GLANCE_CONF.path(ctx).parent), "OS_GLANCE_CONFIG_FILES": GLANCE_CONF.path(ctx).name},
    needs=("glance.configure", "database"),
)


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write glance's configuration and create the folders of its image store."""
    store = _store(ctx)
    for folder in ("images", "staging", "tasks", "cache"):
        (store / folder).mkdir(parents=True, exist_ok=True)
    options: Sections = {
        "DEFAULT": {
            "use_stderr": True,
            "enabled_backends": "file:file",
            # Without copy-image, which copies from another store, and glance-download, which copies from another region: there is one.
            "enabled_import_methods": "[glance-direct,web-download]",
            "worker_self_reference_url": ENDPOINT.local_url(ctx.settings),
            "image_cache_dir": store / "cache",
        },
        "database": {"connection": database_url(ctx, "glance")},
        "glance_store": {"default_backend": "file"},
        "file": {"filesystem_store_datadir": store / "images"},
        "os_glance_staging_store": {"filesystem_store_datadir": store / "staging"},
        "os_glance_tasks_store": {"filesystem_store_datadir": store / "tasks"},
        "paste_deploy": {"flavor": "keystone", "config_file": ctx.paths.venv / "etc" / "glance" / "glance-api-paste.ini"},
        "oslo_messaging_notifications": {"driver": "noop"},
    }
    await GLANCE_CONF.write(ctx, options, token_validation(ctx, "glance"), locks(ctx, "glance"))
    await API.configure(ctx)
    return str(GLANCE_CONF.path(ctx))


@step(needs=("glance.configure", "database"), pool=ConcurrencyPool.CPU, within_s=180)
async def schema(ctx: Context) -> None:
    """Migrate glance's database, and load the definitions of metadata that glance brings."""
    await ctx.run("glance-manage", "--config-file", GLANCE_CONF.path(ctx), "db_sync")
    await ctx.run(
        "glance-manage", "--config-file", GLANCE_CONF.path(ctx), "db_load_metadefs", ctx.paths.venv / "etc" / "glance" / "metadefs"
    )


@step(after=("database.reset",), within_s=120)
async def reset(ctx: Context) -> Skipped | str:
    """Delete the images."""
    return delete_folder(_store(ctx), missing="there are no images")


COMPONENT = Component(
    name="glance",
    summary="Images that servers boot from.",
    parts={
        "template": (configure, schema, account("glance", ENDPOINT)),
        "rotate": (password("glance"),),
        "run": (configure, API.service()),
        "reset": (reset,),
    },
    declares=(GLANCE_CONF, PythonPackages(("glance==33.0.0",)), Database("glance"), ENDPOINT),
)
