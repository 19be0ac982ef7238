"""What all services of nova share: configuration, databases, cells and the account."""

import re
import shutil
from pathlib import Path

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import ConcurrencyPool, Skipped, step
from workflows.infra.database.cloud_data import Countable
from workflows.infra.database.origin import FixedSetting
from workflows.infra.database.settings import DatabaseSettings
from workflows.infra.database.urls import Database, database_url
from workflows.platform.mounts import DataFolder
from workflows.platform.requirements import PythonPackages
from workflows.services.keystone.accounts import account, password
from workflows.services.nova.config import NOVA_CONF, config_file, fake_host_id, is_fake, write_config
from workflows.services.nova.endpoints import COMPUTE
from workflows.services.nova.fork_server import FORK_SERVER
from workflows.services.nova.notifications import DEFINITIONS, INSTANCE, INSTANCES
from workflows.services.nova.settings import NovaSettings
from workflows.services.nova.vendor_data import write_vendor_data
from workflows.services.oslo.settings import OsloSettings

# The entries that nova creates in INSTANCES_PATH.
INSTANCE_ENTRY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(_\w+)?|_base|locks|compute_nodes|snapshots")
# nova fills in the braces from its own configuration. Source: nova's admin guide, "Template URLs in Cell Mappings".
DATABASE_TEMPLATE = "{{scheme}}://{{username}}:{{password}}@{{hostname}}/{database}?{{query}}"
BROKER_TEMPLATE = "{scheme}://{username}:{password}@{hostname}:{port}/{path}"


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write nova's configuration."""
    await write_config(ctx)
    await write_vendor_data(ctx)
    home = ctx.paths.source if ctx.paths.source.exists() else ctx.paths.venv  # an editable installation has no data files
    await ctx.write(config_file(ctx).with_name("api-paste.ini"), (home / "etc" / "nova" / "api-paste.ini").read_text())
    return str(config_file(ctx))


@step(within_s=30)
async def folders(ctx: Context) -> str:
    """Create the folders of servers' disks and of the host's identity."""
    for folder in (_state(ctx), ctx.settings.of(NovaSettings).instances_path):
        folder.mkdir(parents=True, exist_ok=True)
    if is_fake(ctx.settings):  # the other drivers write it themselves
        await ctx.write(_state(ctx) / "compute_id", fake_host_id(ctx.paths))
    return str(ctx.settings.of(NovaSettings).instances_path)


@step(after=("database.reset",), within_s=120)
async def reset(ctx: Context) -> Skipped | str:
    """Delete the disks of servers and the host's identity."""
    # nova-compute does not start when its database and these folders disagree.
    shutil.rmtree(_state(ctx), ignore_errors=True)
    instances = ctx.settings.of(NovaSettings).instances_path
    if not instances.exists():
        return Skipped("there are no servers")
    # INSTANCES_PATH may contain files of the user.
    entries = [entry for entry in instances.iterdir() if INSTANCE_ENTRY.fullmatch(entry.name)]
    for entry in entries:
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    return f"deleted {len(entries)} entries of {instances}"


def _state(ctx: Context) -> Path:
    return ctx.paths.data / "nova"


@step(needs=("nova.configure", "database"), pool=ConcurrencyPool.CPU, within_s=300)
async def api_schema(ctx: Context) -> None:
    """Migrate nova's API database."""
    await _manage(ctx, "api_db", "sync")


@step(needs=("nova.configure", "database"), pool=ConcurrencyPool.CPU, within_s=300)
async def cell_schema(ctx: Context) -> None:
    """Migrate the database of cell1."""
    await _manage(ctx, "db", "sync", "--local_cell")


@step(needs=("nova.api-schema",), pool=ConcurrencyPool.CPU, within_s=120)
async def map_cell0(ctx: Context) -> str:
    """Map cell0, which holds the servers that could not be scheduled."""
    url = _cell_database(ctx, "nova_cell0")
    await _manage(ctx, "cell_v2", "map_cell0", "--database_connection", url)
    return url


@step(needs=("nova.api-schema",), pool=ConcurrencyPool.CPU, within_s=120)
async def create_cell1(ctx: Context) -> str:
    """Map cell1, which holds all other servers."""
    url = _cell_database(ctx, "nova")
    await _manage(ctx, "cell_v2", "create_cell", "--name", "cell1", "--database_connection", url, "--transport-url", BROKER_TEMPLATE)
    return url


# The command also migrates cell1: in parallel with `cell_schema`, both would create the same tables.
@step(needs=("nova.map-cell0", "nova.cell-schema"), pool=ConcurrencyPool.CPU, within_s=300)
async def cell0_schema(ctx: Context) -> None:
    """Migrate the database of cell0."""
    await _manage(ctx, "db", "sync")


def _cell_database(ctx: Context, name: str) -> str:
    """Return the URL that a cell mapping stores; it contains no password."""
    return DATABASE_TEMPLATE.format(database=name) if ctx.settings.of(DatabaseSettings).use_mysql else database_url(ctx, name)


async def _manage(ctx: Context, *arguments: str) -> None:
    await ctx.run("nova-manage", "--config-file", config_file(ctx), *arguments)


COMPONENT = Component(
    name="nova",
    summary="What all services of nova share.",
    parts={
        "template": (configure, api_schema, cell_schema, map_cell0, create_cell1, cell0_schema, account("nova", COMPUTE)),
        "rotate": (password("nova"),),
        "run": (configure, folders, FORK_SERVER.service(), FORK_SERVER.step()),
        "reset": (reset,),
    },
    notification_sources=(INSTANCES,),
    declares=(
        NOVA_CONF,
        INSTANCE,
        PythonPackages(("nova==34.0.0",)),
        DataFolder(lambda settings: settings.of(NovaSettings).instances_path),
        FixedSetting("INSTANCES_PATH", lambda settings: str(settings.of(NovaSettings).instances_path)),
        Countable("server", ("nova.instances", "nova_cell0.instances"), "deleted = 0"),
        Database("nova_api"),
        Database("nova_cell0"),
        Database("nova"),
        DEFINITIONS,
    ),
    settings=(NovaSettings, OsloSettings),
)
