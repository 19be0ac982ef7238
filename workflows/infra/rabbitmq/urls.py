"""The addresses and users of the stack's broker, and what components declare for it."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from novaflow.model.context import Context
from novaflow.model.settings import Settings

PORT, TLS_PORT = 5672, 5671  # Source: the registry of ports of IANA, amqp and amqps
RPC = "openstack"  # virtual host and user of OpenStack's RPC
NOTIFICATIONS = "notifications"  # virtual host of OpenStack's notifications
EVENTS = "novaflow"  # virtual host of the stack's events, and the user that publishes them
SUBSCRIBER = "subscriber"  # user that may only read events


@dataclass(frozen=True, slots=True)
class RpcQueue:
    """A queue of an RPC server, which a component declares.

    It is created before the server starts and stores earlier calls, so that clients and servers start in parallel: otherwise an
    agent waits for a minute if its first call has no consumer.
    """

    exchange: str
    name: str


@dataclass(frozen=True, slots=True)
class BrokerDefinitions:
    """Further definitions that a component declares, in RabbitMQ's format, by kind."""

    make: Callable[[], Mapping[str, list[dict[str, Any]]]]


def publisher_url(settings: Settings, secret: Callable[[str], str]) -> str:
    """Return the address that the stack's events are published to."""
    return f"amqp://{EVENTS}:{secret('rabbitmq-events')}@{settings.local_ip}:{PORT}/{EVENTS}"


def subscriber_url(ctx: Context) -> str:
    """Return the address that subscribers connect to."""
    login, host = f"{SUBSCRIBER}:{ctx.secret('rabbitmq-subscriber')}", ctx.settings.host_ip
    return f"amqps://{login}@{host}:{TLS_PORT}/{EVENTS}" if ctx.settings.tls else f"amqp://{login}@{host}:{PORT}/{EVENTS}"


def notifications_url(settings: Settings, secret: Callable[[str], str]) -> str:
    """Return the address of OpenStack's notifications, as kombu reads it."""
    return f"amqp://{RPC}:{secret('rabbitmq-rpc')}@{settings.local_ip}:{PORT}/{NOTIFICATIONS}"


def rpc_url(ctx: Context) -> str:
    """Return the address of OpenStack's RPC, as kombu reads it."""
    return f"amqp://{RPC}:{ctx.secret('rabbitmq-rpc')}@{ctx.settings.local_ip}:{PORT}/{RPC}"


def transport_url(ctx: Context) -> str:
    """Return the address of OpenStack's RPC, as oslo.messaging reads it."""
    return rpc_url(ctx).replace("amqp:", "rabbit:", 1)


def hash_password(password: str) -> str:
    """Return the salted hash of a password that RabbitMQ stores.

    Source: rabbitmq.com/docs/passwords, "This is the algorithm".
    """
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
