"""nova's versioned notifications about servers, and the stack's events that are created from them."""

import json
from collections.abc import Mapping
from typing import Any

from novaflow.events.types import ComponentEvent, EventKind
from novaflow.model.component import NotificationSource
from novaflow.model.context import Context
from novaflow.model.settings import Settings
from workflows.infra.rabbitmq.urls import NOTIFICATIONS, RPC, BrokerDefinitions, notifications_url
from workflows.services.nova.settings import NovaSettings
from workflows.services.oslo.config_file import Sections

EXCHANGE = "nova"  # nova's control_exchange
QUEUES = ("versioned_notifications.info", "versioned_notifications.error")  # topic and priority of nova's notifications
UNREAD_BYTES = 50_000_000  # about ten thousand notifications; the queue drops its oldest ones beyond that

INSTANCE = EventKind(
    "instance",
    "Nova reports a change of a server; `name` is its UUID, and the state is that of Nova's notification. `vm_state` is what the"
    " server is, `task_state` what Nova does with it; `happened_at` is the time of the notification.",
    {"display_name": str, "host": str, "vm_state": str, "task_state": str, "addresses": tuple[str, ...], "happened_at": str},
    states=("create-start", "create-end", "power_off-end", "delete-start", "delete-end"),
)


def are_enabled(settings: Settings) -> bool:
    """Return whether the stack publishes events about servers."""
    return settings.of(NovaSettings).novaflow_instance_events


def notification_sections(ctx: Context) -> Sections:
    """Return the sections that make nova send versioned notifications, or none."""
    if not are_enabled(ctx.settings):
        return {"oslo_messaging_notifications": {"driver": "noop"}, "notifications": {"notification_format": "unversioned"}}
    # The queues are durable. oslo.messaging has one such option for all exchanges of a virtual host: notifications have their own.
    url = notifications_url(ctx.settings, ctx.secret).replace("amqp:", "rabbit:", 1)
    return {
        "oslo_messaging_notifications": {"driver": "messagingv2", "transport_url": f"{url}?amqp_durable_queues=true"},
        "notifications": {"notification_format": "versioned"},
    }


def make_definitions() -> dict[str, list[dict[str, Any]]]:
    """Return RabbitMQ definitions of the queues, which exist before nova starts and before the stack reads them."""
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
                "definition": {"max-length-bytes": UNREAD_BYTES, "overflow": "drop-head"},
                "priority": 0,
            }
        ],
    }


def read_notification(body: bytes) -> ComponentEvent | None:
    """Return the event for a versioned notification; ``None`` if its subject is not a server.

    Raises: ValueError, KeyError or TypeError, if the message is not a notification.
    Source: nova's reference, "Notifications"; oslo.messaging's envelope.
    """
    notification = json.loads(json.loads(body)["oslo.message"])
    subject, _, change = notification["event_type"].partition(".")
    server = notification["payload"]["nova_object.data"]
    if subject != "instance" or "uuid" not in server:
        return None
    return ComponentEvent(
        kind=INSTANCE.name,
        name=server["uuid"],
        state=change.replace(".", "-"),
        reason=_reason(server, notification["publisher_id"]),
        data={
            "display_name": server.get("display_name"),
            "host": server.get("host"),
            "vm_state": server.get("state"),
            "task_state": server.get("task_state"),
            "addresses": tuple(address["nova_object.data"]["address"] for address in server.get("ip_addresses") or ()),
            "happened_at": f"{notification['timestamp'].replace(' ', 'T')}Z",  # oslo.messaging's timestamps are UTC without a zone
        },
    )


def _reason(server: Mapping[str, Any], publisher: str) -> str:
    """Return the fault of the server, or else the service that sent the notification and the request that caused it."""
    if fault := server.get("fault"):
        return f"{fault['nova_object.data']['exception']}: {fault['nova_object.data']['exception_message']}"
    name = publisher.partition(":")[0]
    return f"reported by {name}, request {server['request_id']}" if server.get("request_id") else f"reported by {name}"


DEFINITIONS = BrokerDefinitions(make_definitions)
INSTANCES = NotificationSource("instances", QUEUES, notifications_url, read_notification, when=are_enabled)
