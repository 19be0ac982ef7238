"""The stack's broker as everybody else sees it: addresses and users."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from novaflow.model.context import Context
from novaflow.model.settings import Settings

PORT = 5672
RPC = "openstack"  # virtual host and user of OpenStack's own messages
NOTIFICATIONS = "notifications"  # virtual host of what OpenStack tells of its servers
EVENTS = "novaflow"  # virtual host of the stack's events, and the user that publishes them
SUBSCRIBER = "subscriber"  # the user that may read them and nothing else


@dataclass(frozen=True, slots=True)
class RpcQueue:
    """A queue of an RPC server, which a component declares.

    It is created before the server starts and holds the calls that are made until then, so that clients and servers start
    in parallel: without it, an agent whose first call has no consumer waits for a minute.
    """

    exchange: str
    name: str


@dataclass(frozen=True, slots=True)
class BrokerDefinitions:
    """Further definitions that a component declares, in RabbitMQ's format, by their kind."""

    make: Callable[[], Mapping[str, list[dict[str, Any]]]]


def publisher_url(settings: Settings, secret: Callable[[str], str]) -> str:
    """Return the address that the stack's events are published to."""
    return f"amqp://{EVENTS}:{secret('rabbitmq-events')}@{settings.host_ip}:{PORT}/{EVENTS}"


def subscriber_url(settings: Settings, secret: Callable[[str], str]) -> str:
    """Return the address a subscriber connects to."""
    return f"amqp://{SUBSCRIBER}:{secret('rabbitmq-subscriber')}@{settings.host_ip}:{PORT}/{EVENTS}"


def notifications_url(settings: Settings, secret: Callable[[str], str]) -> str:
    """Return the address OpenStack's notifications pass through, as kombu reads it."""
    return f"amqp://{RPC}:{secret('rabbitmq-rpc')}@{settings.host_ip}:{PORT}/{NOTIFICATIONS}"


def rpc_url(ctx: Context) -> str:
    """Return the address OpenStack's services talk over, as kombu reads it."""
    return f"amqp://{RPC}:{ctx.secret('rabbitmq-rpc')}@{ctx.settings.host_ip}:{PORT}/{RPC}"


def transport_url(ctx: Context) -> str:
    """Return the same as oslo.messaging reads it."""
    return rpc_url(ctx).replace("amqp:", "rabbit:", 1)


def hash_password(password: str) -> str:
    """Return the salted hash that RabbitMQ keeps of a password.

    Source: rabbitmq.com/docs/passwords, "This is the algorithm".
    """
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
