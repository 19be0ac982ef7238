"""What nova tells of its servers: versioned notifications, and the stack's events made of them."""

import json
from collections.abc import Mapping
from typing import Any

from novaflow.events.types import InstanceChanged, InstanceState
from novaflow.model.component import NotificationSource
from novaflow.model.context import Context
from novaflow.model.settings import Settings
from workflows.infra.rabbitmq.urls import NOTIFICATIONS, RPC, notifications_url
from workflows.services.ini import Sections
from workflows.services.nova.settings import NovaSettings

EXCHANGE = "nova"  # nova's control_exchange
QUEUES = ("versioned_notifications.info", "versioned_notifications.error")  # a topic of nova's, and a priority
MOST_BYTES = 50_000_000  # of what nobody has read: about ten thousand notifications


def are_wanted(settings: Settings) -> bool:
    """Return whether servers are to be told of."""
    return settings.of(NovaSettings).novaflow_instance_events


def notifying(ctx: Context) -> Sections:
    """Return the sections that make nova tell of its servers, or keep silent."""
    if not are_wanted(ctx.settings):
        return {"oslo_messaging_notifications": {"driver": "noop"}, "notifications": {"notification_format": "unversioned"}}
    # Durable, which oslo.messaging can only be for all of a virtual host's exchanges: so these have one of their own.
    url = notifications_url(ctx.settings, ctx.secret).replace("amqp:", "rabbit:", 1)
    return {
        "oslo_messaging_notifications": {"driver": "messagingv2", "transport_url": f"{url}?amqp_durable_queues=true"},
        "notifications": {"notification_format": "versioned"},
    }


def definitions() -> dict[str, list[dict[str, Any]]]:
    """Return RabbitMQ definitions of the queues: made beforehand, they are there before nova and before who reads them."""
    durable = {"vhost": NOTIFICATIONS, "durable": True, "auto_delete": False, "arguments": {}}
    binding = {"source": EXCHANGE, "vhost": NOTIFICATIONS, "destination_type": "queue", "arguments": {}}
    return {
        "vhosts": [{"name": NOTIFICATIONS}],
        "permissions": [{"user": RPC, "vhost": NOTIFICATIONS, "configure": ".*", "write": ".*", "read": ".*"}],
        "exchanges": [{"name": EXCHANGE, "type": "topic", "internal": False, **durable}],
        "queues": [{"name": queue, **durable} for queue in QUEUES],
        "bindings": [{"destination": queue, "routing_key": queue, **binding} for queue in QUEUES],
        "policies": [
            {
                "name": "unread-bounded",
                "vhost": NOTIFICATIONS,
                "pattern": ".*",
                "apply-to": "queues",
                "definition": {"max-length-bytes": MOST_BYTES, "overflow": "drop-head"},
                "priority": 0,
            }
        ],
    }


def read_notification(body: bytes) -> InstanceChanged | None:
    """Return the event that a versioned notification tells of; ``None`` if it is about something else than a server.

    Raises: ValueError, KeyError or TypeError, if it is no notification.
    Source: nova's reference, "Notifications"; oslo.messaging's envelope.
    """
    notification = json.loads(json.loads(body)["oslo.message"])
    subject, _, words = notification["event_type"].partition(".")
    server = notification["payload"]["nova_object.data"]
    if subject != "instance" or "uuid" not in server:
        return None
    return InstanceChanged(
        name=server["uuid"],
        state=InstanceState(words.replace(".", "-")),
        reason=_reason(server, notification["publisher_id"]),
        display_name=server.get("display_name"),
        host=server.get("host"),
        vm_state=server.get("state"),
        task_state=server.get("task_state"),
        addresses=tuple(address["nova_object.data"]["address"] for address in server.get("ip_addresses") or ()),
        happened_at=f"{notification['timestamp'].replace(' ', 'T')}Z",  # oslo.messaging's, which is UTC and does not say so
    )


def _reason(server: Mapping[str, Any], publisher: str) -> str:
    """Return why: what went wrong, if anything did, or else who said it, and what was asked of it."""
    if fault := server.get("fault"):
        return f"{fault['nova_object.data']['exception']}: {fault['nova_object.data']['exception_message']}"
    name = publisher.partition(":")[0]
    return f"told by {name}, asked by {server['request_id']}" if server.get("request_id") else f"told by {name}"


INSTANCES = NotificationSource("instances", QUEUES, notifications_url, read_notification, when=are_wanted)
