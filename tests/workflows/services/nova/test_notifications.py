"""nova's notifications about servers, read as events of the stack."""

import json
from typing import Any

import pytest

from novaflow.events.types import ComponentEvent
from tests.support.settings import make_settings
from workflows.services.nova.notifications import INSTANCES, QUEUES, make_definitions, read_notification

UUID = "5d2f4e0a-6c39-4ad1-9b52-2f0c1a6b8e11"


def notification(event_type: str = "instance.create.end", **server: Any) -> bytes:
    """Return a versioned notification as oslo.messaging sends it."""
    fields = {"uuid": UUID, "display_name": "one", "host": "host", "state": "active", "task_state": None, "request_id": "req-1"}
    content = {
        "message_id": "f2e7c8f0",
        "publisher_id": "nova-compute:host",
        "event_type": event_type,
        "timestamp": "2026-11-22 09:12:33.204204",
        "priority": "INFO",
        "payload": {"nova_object.name": "InstanceCreatePayload", "nova_object.data": fields | server},
    }
    return json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(content)}).encode()


def test_a_notification_becomes_an_event() -> None:
    """Name, host, state and addresses are the fields of the event."""
    address = {"nova_object.name": "IpPayload", "nova_object.data": {"address": "10.0.0.7", "version": 4}}
    assert read_notification(notification(ip_addresses=[address])) == ComponentEvent(
        kind="instance",
        name=UUID,
        state="create-end",
        reason="reported by nova-compute, request req-1",
        data={
            "display_name": "one",
            "host": "host",
            "vm_state": "active",
            "addresses": ("10.0.0.7",),
            "happened_at": "2026-11-22T09:12:33.204204Z",
        },
    )


def test_a_fault_is_the_reason() -> None:
    """The reason is the exception and its message."""
    fault = {"nova_object.name": "ExceptionPayload", "nova_object.data": {"exception": "NoValidHost", "exception_message": "none"}}
    event = read_notification(notification("instance.create.error", fault=fault))
    assert event is not None
    assert (event.state, event.reason) == ("create-error", "NoValidHost: none")


def test_a_periodic_task_has_no_request() -> None:
    """The reason is the service that sent the notification."""
    event = read_notification(notification("instance.update", request_id=None))
    assert event is not None
    assert (event.state, event.reason) == ("update", "reported by nova-compute")


@pytest.mark.parametrize("other", [notification("service.update"), notification("instance_action.x"), notification("flavor.create")])
def test_other_subjects_are_ignored(other: bytes) -> None:
    """Nova also sends notifications about services and flavors."""
    assert read_notification(other) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"oslo.message": "{}"}', notification("instance.create end")])
def test_other_messages_are_rejected(body: bytes) -> None:
    """A notification source may raise these three errors and no other."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        read_notification(body)


@pytest.mark.parametrize("is_enabled", [True, False])
def test_a_setting_disables_them(is_enabled: bool) -> None:  # noqa: FBT001
    """With NOVAFLOW_INSTANCE_EVENTS=0 the stack does not read the queues."""
    assert INSTANCES.when(make_settings(novaflow_instance_events=is_enabled)) is is_enabled


def test_the_queues_are_defined_in_the_broker() -> None:
    """They are durable and bound to nova's exchange, in the virtual host that the source connects to."""
    url = INSTANCES.url(make_settings(), lambda name: name)
    definitions = make_definitions()
    assert url == "amqp://openstack:rabbitmq-rpc@127.0.0.1:5672/notifications"
    assert definitions["vhosts"] == [{"name": "notifications"}]
    assert [(queue["name"], queue["durable"]) for queue in definitions["queues"]] == [(name, True) for name in QUEUES]
    assert {binding["routing_key"] for binding in definitions["bindings"]} == set(QUEUES)
