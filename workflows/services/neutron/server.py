"""neutron: servers' networks, their addresses, and who may reach them."""

import shutil

from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.settings import Settings
from novaflow.model.step import ConcurrencyPool, step
from workflows.infra.database.settings import DatabaseSettings
from workflows.infra.database.urls import Database, database_url
from workflows.infra.openvswitch.bridges import EXTERNAL
from workflows.platform.requirements import PythonPackages
from workflows.platform.routes import find_overlap
from workflows.platform.system_packages import SystemPackages
from workflows.services.neutron.config import API_PORT, OPENFLOW_PORT, PHYSICAL, VLANS, agent_probe, config_file, daemon, write_configs
from workflows.services.neutron.settings import NetworkSettings
from workflows.services.openstack import account
from workflows.services.oslo_ping import rpc_probe
from workflows.services.wsgi import Wsgi

PERIODIC_PROCESSES = 2  # the one that was started, and its worker


def has_free_range(settings: Settings, _: Paths) -> CheckResult:
    """Look whether servers' addresses are somebody else's to this machine: servers could not reach those."""
    if route := find_overlap(settings.of(NetworkSettings).fixed_range, ignored_interface=EXTERNAL):
        found = f"{settings.of(NetworkSettings).fixed_range} overlaps {route.network}, which is reached over {route.interface_name}"
        return CheckResult("servers' addresses", Severity.BAD, found, "choose another FIXED_RANGE")
    return CheckResult("servers' addresses", Severity.GOOD, str(settings.of(NetworkSettings).fixed_range))


NEUTRON = Wsgi(
    name="neutron-api",
    summary="OpenStack Networking.",
    application="neutron.wsgi.api:application",
    port=API_PORT,
    env=lambda ctx: {"OS_NEUTRON_CONFIG_DIR": str(config_file(ctx).parent), "OS_NEUTRON_CONFIG_FILES": "neutron.conf;ml2.ini"},
    needs=("neutron.configure", "database", "rabbitmq"),
)


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write neutron's configuration."""
    shutil.rmtree(ctx.paths.data / "neutron", ignore_errors=True)
    await write_configs(ctx)
    await NEUTRON.configure(ctx)
    return str(config_file(ctx).parent)


@step(needs=("neutron.configure", "database"), pool=ConcurrencyPool.CPU, within_s=300)
async def schema(ctx: Context) -> None:
    """Bring neutron's tables to head."""
    configs = ("--config-file", config_file(ctx), "--config-file", config_file(ctx, "ml2.ini"))
    if ctx.settings.of(DatabaseSettings).use_mysql:
        await ctx.run("neutron-db-manage", *configs, "upgrade", "heads")
    else:
        # The migrations refuse SQLite: make the tables of the newest schema, and say that it is the newest.
        await ctx.run(
            ctx.paths.venv / "bin" / "python",
            "-c",
            _CREATE_TABLES,
            env={"DATABASE": database_url(ctx, "neutron"), "PHYSICAL": PHYSICAL, "VLANS": VLANS},
        )
        await ctx.run("neutron-db-manage", *configs, "stamp", "heads")


# With the tags entered, which three servers would do at once at their start: SQLite refuses two of them.
_CREATE_TABLES = """
import os, sqlalchemy
from neutron.db.migration.models import head
tables, engine = head.get_metadata(), sqlalchemy.create_engine(os.environ["DATABASE"])
tables.create_all(engine)
first, last = map(int, os.environ["VLANS"].split(":"))
rows = [{"physical_network": os.environ["PHYSICAL"], "vlan_id": tag, "allocated": False} for tag in range(first, last + 1)]
with engine.begin() as connection:
    connection.execute(tables.tables["ml2_vlan_allocations"].insert(), rows)
"""


async def _ask_workers(ctx: Context) -> str:
    """Look whether it has started its worker: it speaks to the database alone, and nobody can ask it anything."""
    if (count := ctx.process_count()) < PERIODIC_PROCESSES:
        raise NotYet(f"{count} of its {PERIODIC_PROCESSES} processes run")
    return f"its {count} processes run"


RPC = daemon(
    "neutron-rpc-server",
    "Answers neutron's agents.",
    rpc_probe("neutron", "q-plugin"),
    needs=("database", "rabbitmq"),
    also="ml2.ini",
)
PERIODIC = daemon(
    "neutron-periodic-workers",
    "Does what neutron has to do from time to time.",
    FunctionProbe(_ask_workers, "its workers run"),
    needs=("database", "rabbitmq"),
    also="ml2.ini",
)
OPENVSWITCH_AGENT = daemon(
    "neutron-openvswitch-agent",
    "Wires servers' ports.",
    agent_probe("neutron-openvswitch-agent"),
    needs=("rabbitmq", "openvswitch", "keystone.configure"),
    also="openvswitch-agent.ini",
    port=OPENFLOW_PORT,
)
DHCP_AGENT = daemon(
    "neutron-dhcp-agent",
    "Hands out servers' addresses.",
    agent_probe("neutron-dhcp-agent"),
    needs=("rabbitmq", "openvswitch", "keystone.configure"),
    also="dhcp-agent.ini",
)


COMPONENT = Component(
    name="neutron",
    summary="Servers' networks.",
    declares=(
        SystemPackages(debian=("dnsmasq-base", "dnsmasq-utils", "conntrack", "iputils-arping")),
        PythonPackages(("neutron==29.0.0", "pyroute2")),  # neutron imports pyroute2 without requiring it
        Database("neutron"),
    ),
    checks=(has_free_range,),
    parts={
        "template": (configure, schema, account("neutron", "network", f":{API_PORT}")),
        "run": (configure, NEUTRON.service(), RPC, PERIODIC, OPENVSWITCH_AGENT, DHCP_AGENT),
    },
    aliases=("network",),
    settings=(NetworkSettings,),
)
