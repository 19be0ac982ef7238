"""RabbitMQ: the broker of OpenStack's messages and of the stack's events, a node that is private to the stack."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from novaflow.events.exchange import EXCHANGE, PUBLISHER, SUBSCRIBER, definitions
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.endpoint import Endpoint
from novaflow.model.probe import FunctionProbe
from novaflow.model.service import Service
from novaflow.model.step import step
from workflows.infra.certificates.authority import trusted_authority
from workflows.infra.rabbitmq.urls import PORT, RPC, TLS_PORT, BrokerDefinitions, RpcQueue, hash_password, rpc_url, subscriber_url
from workflows.platform.detect import find_distribution
from workflows.platform.system_packages import SystemPackages

DISTRIBUTION_PORT = 25672  # of Erlang's distribution; without epmd it must be set
DRAIN_WITHIN_S = 3.0  # for the last events, before the broker stops
DEFINITION: dict[str, object] = {"vhost": RPC, "durable": False, "auto_delete": False, "arguments": {}}


@step(within_s=60)
async def configure(ctx: Context) -> str:
    """Write the configuration of the node, its users and queues, and the credentials of subscribers."""
    folder = ctx.paths.etc / "rabbitmq"
    # Erlang would create one that can be guessed; a program that knows it runs code in the node.
    await ctx.write(_home(ctx) / ".erlang.cookie", ctx.secret("erlang-cookie"), 0o400)
    options = {
        "listeners.tcp.1": f"{ctx.settings.local_ip}:{PORT}",
        "load_definitions": folder / "definitions.json",
        "log.console": "false",
        "log.file": ctx.paths.log / "rabbitmq-node.log",
        "log.file.level": "warning",
        "vm_memory_high_watermark.absolute": "1GB",
        "disk_free_limit.absolute": "50MB",
        "cluster_name": "novaflow",
    }
    await ctx.write(folder / "rabbitmq.conf", "".join(f"{name} = {value}\n" for name, value in options.items()))
    await ctx.write(folder / "enabled_plugins", "[].\n")
    parts = [_event_definitions(ctx), _rpc_definitions(ctx), *(one.make() for one in ctx.declared(BrokerDefinitions))]
    await ctx.write(folder / "definitions.json", json.dumps(_merge(parts), indent=1), 0o600)
    authority = trusted_authority(ctx.settings, ctx.paths)
    subscriber = {"url": subscriber_url(ctx), "exchange": EXCHANGE, **({"cacert": str(authority)} if authority else {})}
    await ctx.write(ctx.paths.credentials / "events.json", json.dumps(subscriber), shared=True)
    return f"users, permissions, {len(ctx.declared(RpcQueue))} queues"


def _event_definitions(ctx: Context) -> Mapping[str, Sequence[object]]:
    passwords = {PUBLISHER: ctx.secret("rabbitmq-events"), SUBSCRIBER: ctx.secret("rabbitmq-subscriber")}
    return definitions(passwords, salts={user: os.urandom(4) for user in passwords})


def _merge(parts: Sequence[Mapping[str, Sequence[object]]]) -> dict[str, list[object]]:
    """Return definitions that contain the entries of each part, by kind."""
    kinds = dict.fromkeys(kind for part in parts for kind in part)
    return {kind: [entry for part in parts for entry in part.get(kind, ())] for kind in kinds}


def _rpc_definitions(ctx: Context) -> Mapping[str, Sequence[object]]:
    user = {
        "name": RPC,
        "password_hash": hash_password(ctx.secret("rabbitmq-rpc")),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": "",
    }
    queues = ctx.declared(RpcQueue)
    exchanges = dict.fromkeys(queue.exchange for queue in queues)
    return {
        "vhosts": [{"name": RPC}],
        "users": [user],
        "permissions": [{"user": RPC, "vhost": RPC, "configure": ".*", "write": ".*", "read": ".*"}],
        "exchanges": [{"name": name, "type": "topic", "internal": False, **DEFINITION} for name in exchanges],
        "queues": [{"name": queue.name, **DEFINITION} for queue in queues],
        "bindings": [_binding(queue) for queue in queues],
    }


def _binding(queue: RpcQueue) -> Mapping[str, object]:
    return {
        "source": queue.exchange,
        "vhost": RPC,
        "destination": queue.name,
        "destination_type": "queue",
        "routing_key": queue.name,
        "arguments": {},
    }


def _home(ctx: Context) -> Path:
    # Kept between runs: subscribers find their queues again.
    return ctx.paths.data / "rabbitmq"


def _environment(ctx: Context) -> dict[str, str]:
    home = _home(ctx)
    return {
        "HOME": str(home),  # contains Erlang's cookie
        "RUNNING_UNDER_SYSTEMD": "true",  # the script executes the node in its own process
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_NODENAME": "novaflow@localhost",
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(ctx.paths.log),
        "ERL_CRASH_DUMP_BYTES": "0",  # a dump contains messages and passwords
        "RABBITMQ_CONFIG_FILE": str(ctx.paths.etc / "rabbitmq" / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": "/dev/null",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(ctx.paths.etc / "rabbitmq" / "enabled_plugins"),
        # No epmd: every Erlang node of the machine would share it, and it would outlive the stack. Set in the environment because
        # the node checks its registration every minute, with a second Erlang that gets no arguments and would start epmd.
        "ERL_FLAGS": f"-start_epmd false -erl_epmd_port {DISTRIBUTION_PORT} -kernel inet_dist_use_interface {{127,0,0,1}}",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-sname novaflow@localhost",
    }


async def _probe_login(ctx: Context) -> str:
    """Log in to the broker: its port opens before its users are created."""
    return await ctx.amqp_login(rpc_url(ctx))


async def _drain_events(ctx: Context) -> None:
    """Wait until the broker has the last events."""
    await ctx.drain_events(DRAIN_WITHIN_S)


RABBITMQ = Service(
    name="rabbitmq",
    summary="RabbitMQ, private to the stack.",
    command=lambda _: (find_distribution().path("rabbitmq-server"),),
    env=_environment,
    ready=FunctionProbe(_probe_login, "AMQP login"),
    before_stop=_drain_events,
    port=PORT,
    needs=("rabbitmq.configure",),
    within_s=90,
    grace_s=10,
)

COMPONENT = Component(
    name="rabbitmq",
    summary="The broker of OpenStack's messages and of the stack's events.",
    declares=(SystemPackages(debian=("rabbitmq-server",)), Endpoint("amqp", PORT, tls_port=TLS_PORT, is_http=False)),
    parts={"run": (configure, RABBITMQ)},
)
