"""placement: which host has how much of what left."""

from pathlib import Path

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import ConcurrencyPool, step
from workflows.infra.database.urls import Database, database_url
from workflows.platform.requirements import PythonPackages
from workflows.services.ini import Sections, render_ini
from workflows.services.openstack import account, token_validation
from workflows.services.wsgi import Wsgi

PORT = 8778


def _config(ctx: Context) -> Path:
    return ctx.paths.etc / "placement" / "placement.conf"


PLACEMENT = Wsgi(
    name="placement",
    summary="placement's API.",
    application="placement.wsgi.api:application",
    port=PORT,
    env=lambda ctx: {"OS_PLACEMENT_CONFIG_DIR": str(_config(ctx).parent)},
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
    await ctx.write(_config(ctx), render_ini(options, token_validation(ctx, "placement")), 0o600)
    await PLACEMENT.configure(ctx)
    return str(_config(ctx))


@step(needs=("placement.configure", "database"), pool=ConcurrencyPool.CPU, within_s=180)
async def schema(ctx: Context) -> None:
    """Bring placement's tables to head."""
    await ctx.run("placement-manage", "--config-file", _config(ctx), "db", "sync")


COMPONENT = Component(
    name="placement",
    summary="Which host has how much of what left.",
    parts={"template": (configure, schema, account("placement", "placement", f":{PORT}")), "run": (configure, PLACEMENT.service())},
    declares=(Database("placement"), PythonPackages(("openstack-placement==16.0.0",))),
)
