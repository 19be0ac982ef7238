"""neutron, the networking service: its API, its RPC server and the agents that every stack has."""

import shutil
from dataclasses import replace

from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.endpoint import Endpoint
from novaflow.model.paths import Paths
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.settings import Settings
from novaflow.model.step import ConcurrencyPool, step
from workflows.infra.database.origin import FixedSetting
from workflows.infra.database.settings import DatabaseSettings
from workflows.infra.database.urls import Database, database_url
from workflows.infra.openvswitch.bridges import EXTERNAL
from workflows.infra.rabbitmq.urls import RpcQueue
from workflows.platform.requirements import PythonPackages
from workflows.platform.routes import find_overlap
from workflows.platform.system_packages import SystemPackages
from workflows.services.keystone.accounts import account, password
from workflows.services.neutron.config import CONFIGS, OPENFLOW_PORT, VLANS, config_file, write_configs
from workflows.services.neutron.daemons import after_switch, agent_probe, daemon
from workflows.services.neutron.fork_server import FORK_SERVER
from workflows.services.neutron.networks import SERVERS_PHYSICAL
from workflows.services.neutron.settings import NetworkSettings
from workflows.services.oslo.rpc_ping import rpc_probe
from workflows.services.oslo.settings import OsloSettings
from workflows.services.oslo.wsgi import WsgiApi

ENDPOINT = Endpoint("network", port=9696)
RPC_QUEUES = tuple(RpcQueue("neutron", name) for name in ("q-plugin", "q-reports-plugin", "q-server-resource-versions"))
PERIODIC_PROCESSES = 2  # the parent and its worker


def has_free_range(settings: Settings, _: Paths) -> CheckResult:
    """Check that this machine has no route to the addresses of servers, which would be unreachable."""
    if route := find_overlap(settings.of(NetworkSettings).fixed_range, ignored_interface=EXTERNAL):
        found = f"{settings.of(NetworkSettings).fixed_range} overlaps {route.network}, which is routed over {route.interface_name}"
        return CheckResult("servers' addresses", Severity.BAD, found, "choose another FIXED_RANGE")
    return CheckResult("servers' addresses", Severity.GOOD, str(settings.of(NetworkSettings).fixed_range))


API = WsgiApi(
    name="neutron-api",
    summary="Networking API.",
    application="neutron.wsgi.api:application",
    port=ENDPOINT.port,
    env=lambda ctx: {"OS_NEUTRON_CONFIG_DIR": str(config_file(ctx).parent), "OS_NEUTRON_CONFIG_FILES": "neutron.conf;ml2.ini"},
    needs=("neutron.configure", "database", "rabbitmq"),
    fork_server=FORK_SERVER,
    # A second request would see no rules while the first one loads them, and be refused.
    prepare="from neutron import policy; policy.init()",
)


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write neutron's configuration and empty its state folder."""
    shutil.rmtree(ctx.paths.data / "neutron", ignore_errors=True)
    await write_configs(ctx)
    await API.configure(ctx)
    return str(config_file(ctx).parent)


@step(needs=("neutron.configure", "database"), pool=ConcurrencyPool.CPU, within_s=300)
async def schema(ctx: Context) -> None:
    """Migrate neutron's database."""
    configs = ("--config-file", config_file(ctx), "--config-file", config_file(ctx, "ml2.ini"))
    if ctx.settings.of(DatabaseSettings).use_mysql:
        await ctx.run("neutron-db-manage", *configs, "upgrade", "heads")
    else:
        # The migrations do not support SQLite: create the tables of the newest schema and mark them as migrated.
        await ctx.run(
            ctx.paths.venv / "bin" / "python",
            "-P",
            "-c",
            _CREATE_TABLES,
            env={"DATABASE": database_url(ctx, "neutron"), "PHYSICAL": SERVERS_PHYSICAL, "VLANS": VLANS},
        )
        await ctx.run("neutron-db-manage", *configs, "stamp", "heads")


# It also inserts the VLAN tags. Otherwise three servers insert them in parallel at their start, and SQLite rejects two.
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


async def _count_processes(ctx: Context) -> str:
    """Check that the worker runs: it has no API and no RPC server, so its processes are counted."""
    if (count := ctx.process_count()) < PERIODIC_PROCESSES:
        raise NotYet(f"{count} of its {PERIODIC_PROCESSES} processes are running")
    return f"its {count} processes are running"


RPC = daemon(
    "neutron-rpc-server",
    "Serves the RPC calls of agents.",
    rpc_probe("neutron", "q-plugin"),
    needs=("database", "rabbitmq"),
    config="ml2.ini",
)
PERIODIC = daemon(
    "neutron-periodic-workers",
    "Runs neutron's periodic tasks.",
    FunctionProbe(_count_processes, "its processes are running"),
    needs=("database", "rabbitmq"),
    config="ml2.ini",
)
# It connects a network to a physical one when it finds the first port of the network. After a restart of the switch it does so
# again only for ports that exist already; those of routers are connected later.
OPENVSWITCH_AGENT = replace(
    daemon(
        "neutron-openvswitch-agent",
        "Connects the ports of servers to the switch.",
        agent_probe("neutron-openvswitch-agent"),
        needs=("rabbitmq", "openvswitch", "keystone.configure"),
        config="openvswitch-agent.ini",
        port=OPENFLOW_PORT,
    ),
    restart_with=("ovs-vswitchd",),
)
DHCP_AGENT = after_switch(
    daemon(
        "neutron-dhcp-agent",
        "Assigns addresses to servers over DHCP.",
        agent_probe("neutron-dhcp-agent"),
        needs=("rabbitmq", "openvswitch", "keystone.configure"),
        config="dhcp-agent.ini",
    ),
    namespaces="qdhcp-",
    ports=("tap",),
)

COMPONENT = Component(
    name="neutron",
    summary="Networks of servers.",
    declares=(
        *CONFIGS,
        FixedSetting("FIXED_RANGE", lambda settings: str(settings.of(NetworkSettings).fixed_range)),
        FixedSetting("FLOATING_RANGE", lambda settings: str(settings.of(NetworkSettings).floating_range)),
        FixedSetting("NET_MAN", lambda settings: str(settings.of(NetworkSettings).net_man)),
        FixedSetting("USE_IPV6", lambda settings: str(int(settings.of(NetworkSettings).use_ipv6))),
        SystemPackages(debian=("dnsmasq-base", "dnsmasq-utils", "conntrack", "iputils-arping")),
        PythonPackages(("neutron==29.0.0", "pyroute2")),  # neutron imports pyroute2 without requiring it
        Database("neutron"),
        ENDPOINT,
        *RPC_QUEUES,
    ),
    checks=(has_free_range,),
    parts={
        "template": (configure, schema, account("neutron", ENDPOINT)),
        "rotate": (password("neutron"),),
        "run": (configure, FORK_SERVER.service(), FORK_SERVER.step(), API.service(), RPC, PERIODIC, OPENVSWITCH_AGENT, DHCP_AGENT),
    },
    aliases=("network",),
    settings=(NetworkSettings, OsloSettings),
)
