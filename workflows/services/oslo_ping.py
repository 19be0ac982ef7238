"""Readiness of daemons that listen on no port: their RPC server is asked for a pong over RabbitMQ.

Source: oslo.messaging, option `rpc_ping_enabled` and the messages of its AMQP driver.
"""

import json
import os
import uuid

from novaflow.model.context import Context
from novaflow.model.probe import FunctionProbe, NotYet
from workflows.infra.rabbitmq.urls import rpc_url

ANSWER_WITHIN_S = 2.0  # a server that is up answers in milliseconds; one that is not leaves the message in its queue


def rpc_probe(exchange: str, topic: str) -> FunctionProbe:
    """Ready when the RPC server of that topic on this host answers a ping."""

    async def ask(ctx: Context) -> str:
        host = os.uname().nodename

        def ping(reply_queue: str) -> bytes:
            call = {
                "method": "oslo_rpc_server_ping",
                "args": {},
                "_msg_id": uuid.uuid4().hex,
                "_unique_id": uuid.uuid4().hex,
                "_reply_q": reply_queue,
            }
            return json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(call)}).encode()

        reply = await ctx.amqp_request(rpc_url(ctx), exchange, f"{topic}.{host}", ping, within_s=ANSWER_WITHIN_S)
        answer = json.loads(json.loads(reply)["oslo.message"])
        if answer.get("result") != "pong":
            raise NotYet(f"{topic} answered a ping with {answer.get('failure') or answer}")
        return f"{topic}.{host} answered an RPC ping with pong"

    return FunctionProbe(ask, f"RPC ping of {topic}")
