"""Readiness probe of daemons without a port: a ping of their RPC server.

Source: oslo.messaging, option `rpc_ping_enabled` and the messages of its AMQP driver.
"""

import json
import uuid

from novaflow.model.context import Context
from novaflow.model.probe import FunctionProbe, NotYet
from workflows.infra.database.origin import host_name
from workflows.infra.rabbitmq.urls import rpc_url

REPLY_WITHIN_S = 2.0  # a running server replies in milliseconds; otherwise the message stays in its queue


def rpc_probe(exchange: str, topic: str) -> FunctionProbe:
    """Return a probe that succeeds when the RPC server of the topic on this host replies to a ping."""

    async def ping(ctx: Context) -> str:
        server = f"{topic}.{host_name(ctx.paths)}"
        reply = await ctx.amqp_request(rpc_url(ctx), exchange, server, _write_ping, within_s=REPLY_WITHIN_S)
        answer = json.loads(json.loads(reply)["oslo.message"])
        if answer.get("result") != "pong":
            raise NotYet(f"{server} replied to an RPC ping with {answer.get('failure') or answer}")
        return f"{server} replied to an RPC ping"

    return FunctionProbe(ping, f"RPC ping of {topic}")


def _write_ping(reply_queue: str) -> bytes:
    call = {
        "method": "oslo_rpc_server_ping",
        "args": {},
        "_msg_id": uuid.uuid4().hex,
        "_unique_id": uuid.uuid4().hex,
        "_reply_q": reply_queue,
    }
    return json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(call)}).encode()
