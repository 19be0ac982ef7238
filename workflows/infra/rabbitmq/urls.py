"""The stack's broker as everybody else sees it: addresses and users."""

import base64
import hashlib
import secrets
from collections.abc import Callable

from novaflow.model.context import Context
from novaflow.settings import Settings

PORT = 5672
RPC = "openstack"  # virtual host and user of OpenStack's own messages
NOTIFICATIONS = "notifications"  # virtual host of what OpenStack tells of its servers
EVENTS = "novaflow"  # virtual host of the stack's events, and the user that publishes them
SUBSCRIBER = "subscriber"  # the user that may read them and nothing else


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
