"""What all of nova's services share: configuration, schemas, cells, account."""

import re
import shutil

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import ConcurrencyPool, step
from workflows.infra.database.settings import DatabaseSettings
from workflows.infra.database.urls import Database, database_url
from workflows.platform.mounts import DataFolder
from workflows.platform.requirements import PythonPackages
from workflows.services.nova.config import API_PORT, config_file, write_config
from workflows.services.nova.notifications import INSTANCES
from workflows.services.nova.settings import NovaSettings
from workflows.services.openstack import account

INSTANCES_OWN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(_\w+)?|_base|locks|compute_nodes|snapshots")  # what nova makes there


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write nova's configuration."""
    await write_config(ctx)
    home = ctx.paths.source if ctx.paths.source.exists() else ctx.paths.venv  # a tree that is linked installs no data
    shutil.copy(home / "etc" / "nova" / "api-paste.ini", config_file(ctx).parent)
    return str(config_file(ctx))


@step(within_s=30)
async def forget(ctx: Context) -> str:
    """Forget the servers of earlier runs: disks, and the host's name for itself."""
    # nova-compute refuses to start when its database and these folders disagree.
    state, instances = ctx.paths.data / "nova", ctx.settings.of(NovaSettings).instances_path
    shutil.rmtree(state, ignore_errors=True)
    for folder in (state, instances):
        folder.mkdir(parents=True, exist_ok=True)
    # The user named the second one, and may keep something else in it.
    ours = [entry for entry in instances.iterdir() if INSTANCES_OWN.fullmatch(entry.name)]
    for entry in ours:
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    return f"{instances}; {len(ours)} entries removed"


@step(needs=("nova.configure", "database"), pool=ConcurrencyPool.CPU, within_s=300)
async def api_schema(ctx: Context) -> None:
    """Bring the tables of nova's API to head."""
    await _manage(ctx, "api_db", "sync")


@step(needs=("nova.configure", "database"), pool=ConcurrencyPool.CPU, within_s=300)
async def cell_schema(ctx: Context) -> None:
    """Bring the tables of the cell to head."""
    await _manage(ctx, "db", "sync", "--local_cell")


@step(needs=("nova.api-schema",), pool=ConcurrencyPool.CPU, within_s=120)
async def map_cell0(ctx: Context) -> str:
    """Enter cell0, where servers go that could not be placed; the row holds no password."""
    url = (
        "{scheme}://{username}:{password}@{hostname}/nova_cell0?{query}"
        if ctx.settings.of(DatabaseSettings).use_mysql
        else database_url(ctx, "nova_cell0")
    )
    await _manage(ctx, "cell_v2", "map_cell0", "--database_connection", url)
    return url


@step(needs=("nova.api-schema",), pool=ConcurrencyPool.CPU, within_s=120)
async def create_cell1(ctx: Context) -> str:
    """Enter cell1, where servers live; the row holds no password."""
    # nova fills the braces from its own configuration. Source: nova's admin guide, "Template URLs in Cell Mappings".
    url = (
        "{scheme}://{username}:{password}@{hostname}/nova?{query}"
        if ctx.settings.of(DatabaseSettings).use_mysql
        else database_url(ctx, "nova")
    )
    broker = "{scheme}://{username}:{password}@{hostname}:{port}/{path}"
    await _manage(ctx, "cell_v2", "create_cell", "--name", "cell1", "--database_connection", url, "--transport-url", broker)
    return url


# It looks after the cell's tables too: side by side the two would make the same ones.
@step(needs=("nova.map-cell0", "nova.cell-schema"), pool=ConcurrencyPool.CPU, within_s=300)
async def cell0_schema(ctx: Context) -> None:
    """Bring the tables of cell0 to head."""
    await _manage(ctx, "db", "sync")


async def _manage(ctx: Context, *words: str) -> None:
    await ctx.run("nova-manage", "--config-file", config_file(ctx), *words)


COMPONENT = Component(
    name="nova",
    summary="What all of nova's services share.",
    parts={
        "template": (
            configure,
            api_schema,
            cell_schema,
            map_cell0,
            create_cell1,
            cell0_schema,
            account("nova", "compute", f":{API_PORT}/v2.1"),
        ),
        "run": (configure, forget),
    },
    notification_sources=(INSTANCES,),
    declares=(
        Database("nova_api"),
        Database("nova_cell0"),
        Database("nova"),
        PythonPackages(("nova==34.0.0",)),
        DataFolder(lambda settings: settings.of(NovaSettings).instances_path),
    ),
    settings=(NovaSettings,),
)
