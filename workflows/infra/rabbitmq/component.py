"""The broker: OpenStack's messages and the stack's events, on a node of the stack's own."""

import json
import os
from pathlib import Path

from novaflow.events.exchange import PUBLISHER, SUBSCRIBER, definitions
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.probe import FunctionProbe
from novaflow.model.service import Service
from novaflow.model.step import step
from workflows.infra.rabbitmq.urls import PORT, RPC, BrokerDefinitions, RpcQueue, hash_password, rpc_url, subscriber_url
from workflows.platform.system_packages import SystemPackages

DISTRIBUTION_PORT = 25672  # Erlang's; the node is alone, and without epmd somebody has to name it
LAST_EVENTS_S = 3.0  # for the last events to reach the broker before it goes


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write the node's configuration, its users, and what subscribers need to log in."""
    folder = ctx.paths.etc / "rabbitmq"
    _home(ctx).mkdir(exist_ok=True)
    options = {
        "listeners.tcp.1": f"{ctx.settings.host_ip}:{PORT}",
        "load_definitions": folder / "definitions.json",
        "log.console": False,
        "log.file": ctx.paths.log / "rabbitmq-node.log",
        "log.file.level": "warning",
        "vm_memory_high_watermark.absolute": "1GB",
        "disk_free_limit.absolute": "50MB",
        "cluster_name": "novaflow",
    }
    await ctx.write(
        folder / "rabbitmq.conf",
        "".join(f"{name} = {str(value).lower() if isinstance(value, bool) else value}\n" for name, value in options.items()),
    )
    await ctx.write(folder / "enabled_plugins", "[].\n")
    await ctx.write(folder / "definitions.json", json.dumps(_definitions(ctx), indent=1), 0o600)
    await ctx.write(
        ctx.paths.credentials / "events.json",
        json.dumps({"url": subscriber_url(ctx.settings, ctx.secret), "exchange": "novaflow.events"}),
        0o600,
    )
    return "users, permissions, listener"


def _definitions(ctx: Context) -> dict[str, list[object]]:
    passwords = {PUBLISHER: ctx.secret("rabbitmq-events"), SUBSCRIBER: ctx.secret("rabbitmq-subscriber")}
    events = definitions(passwords, salts={user: os.urandom(4) for user in passwords})
    parts = [events, _rpc_definitions(ctx), *(one.make() for one in ctx.declared(BrokerDefinitions))]
    kinds = dict.fromkeys(kind for part in parts for kind in part)
    return {kind: [entry for part in parts for entry in part.get(kind, ())] for kind in kinds}


def _rpc_definitions(ctx: Context) -> dict[str, list[dict[str, object]]]:
    user: dict[str, object] = {
        "name": RPC,
        "password_hash": hash_password(ctx.secret("rabbitmq-rpc")),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": "",
    }
    queues = ctx.declared(RpcQueue)
    common: dict[str, object] = {"vhost": RPC, "durable": False, "auto_delete": False, "arguments": {}}
    return {
        "vhosts": [{"name": RPC}],
        "users": [user],
        "permissions": [{"user": RPC, "vhost": RPC, "configure": ".*", "write": ".*", "read": ".*"}],
        "exchanges": [
            {"name": name, "type": "topic", "internal": False, **common} for name in dict.fromkeys(queue.exchange for queue in queues)
        ],
        "queues": [{"name": queue.name, **common} for queue in queues],
        "bindings": [
            {
                "source": queue.exchange,
                "vhost": RPC,
                "destination": queue.name,
                "destination_type": "queue",
                "routing_key": queue.name,
                "arguments": {},
            }
            for queue in queues
        ],
    }


def _home(ctx: Context) -> Path:
    # Kept from run to run: a subscriber's queue is still there when the stack is up again.
    return ctx.paths.data / "rabbitmq"


def _environment(ctx: Context) -> dict[str, str]:
    home = _home(ctx)
    return {
        "HOME": str(home),  # Erlang's cookie lies there
        "RUNNING_UNDER_SYSTEMD": "true",  # makes the script become the node, instead of its parent
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_NODENAME": "novaflow@localhost",
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(ctx.paths.log),
        "ERL_CRASH_DUMP": str(ctx.paths.log / "rabbitmq-crash.dump"),
        "RABBITMQ_CONFIG_FILE": str(ctx.paths.etc / "rabbitmq" / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": "/dev/null",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(ctx.paths.etc / "rabbitmq" / "enabled_plugins"),
        # No epmd: it would be shared with every other Erlang on the machine, and outlive us. In the environment, because
        # the node looks every minute whether epmd knows it, with an Erlang that sees no arguments and would start one.
        "ERL_FLAGS": f"-start_epmd false -erl_epmd_port {DISTRIBUTION_PORT} -kernel inet_dist_use_interface {{127,0,0,1}}",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-sname novaflow@localhost",
    }


async def _log_in(ctx: Context) -> str:
    """Log in: the port opens before the users exist."""
    return await ctx.amqp_login(rpc_url(ctx))


async def _let_events_out(ctx: Context) -> None:
    """Let the last events reach the broker before it goes."""
    await ctx.drain_events(LAST_EVENTS_S)


RABBITMQ = Service(
    name="rabbitmq",
    summary="RabbitMQ, a node of the stack's own.",
    command=lambda _: (Path("/usr/lib/rabbitmq/bin/rabbitmq-server"),),
    env=_environment,
    ready=FunctionProbe(_log_in, "AMQP login"),
    before_stop=_let_events_out,
    port=PORT,
    needs=("rabbitmq.configure",),
    within_s=90,
    grace_s=10,
)

COMPONENT = Component(
    name="rabbitmq",
    summary="The broker of OpenStack's messages and the stack's events.",
    declares=(SystemPackages(debian=("rabbitmq-server",)),),
    parts={"run": (configure, RABBITMQ)},
)
