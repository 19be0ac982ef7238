"""placement, the resource inventory service."""

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.endpoint import Endpoint
from novaflow.model.step import ConcurrencyPool, step
from workflows.infra.database.urls import Database, database_url
from workflows.platform.requirements import PythonPackages
from workflows.services.keystone.accounts import account, password
from workflows.services.keystone.service_auth import token_validation
from workflows.services.oslo.config_file import OsloConfig, Sections
from workflows.services.oslo.wsgi import WsgiApi

ENDPOINT = Endpoint("placement", port=8778)
PLACEMENT_CONF = OsloConfig("placement/placement.conf", "openstack-placement")

API = WsgiApi(
    name="placement",
    summary="Placement API.",
    application="placement.wsgi.api:application",
    port=ENDPOINT.port,
    env=lambda ctx: {"OS_PLACEMENT_CONFIG_DIR": str(PLACEMENT_CONF.path(ctx).parent)},
    needs=("placement.configure", "database"),
)


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write placement's configuration."""
    options: Sections = {
        "DEFAULT": {"use_stderr": True},
        "api": {"auth_strategy": "keystone"},
        "placement_database": {"connection": database_url(ctx, "placement")},
    }
    await PLACEMENT_CONF.write(ctx, options, token_validation(ctx, "placement"))
    await API.configure(ctx)
    return str(PLACEMENT_CONF.path(ctx))


@step(needs=("placement.configure", "database"), pool=ConcurrencyPool.CPU, within_s=180)
async def schema(ctx: Context) -> None:
    """Migrate placement's database."""
    await ctx.run("placement-manage", "--config-file", PLACEMENT_CONF.path(ctx), "db", "sync")


COMPONENT = Component(
    name="placement",
    summary="Inventory and usage of resources of each host.",
    parts={
        "template": (configure, schema, account("placement", ENDPOINT)),
        "rotate": (password("placement"),),
        "run": (configure, API.service()),
    },
    declares=(PLACEMENT_CONF, PythonPackages(("openstack-placement==16.0.0",)), Database("placement"), ENDPOINT),
)
