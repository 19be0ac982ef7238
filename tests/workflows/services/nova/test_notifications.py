"""What nova tells of its servers, read as events of the stack."""

import json
from typing import Any

import pytest

from novaflow.events.types import InstanceChanged, InstanceState
from tests.support.settings import make_settings
from workflows.services.nova.notifications import INSTANCES, QUEUES, definitions, read_notification

UUID = "5d2f4e0a-6c39-4ad1-9b52-2f0c1a6b8e11"


def notification(event_type: str = "instance.create.end", **server: Any) -> bytes:
    """Return a versioned notification as oslo.messaging puts it on the wire."""
    told = {"uuid": UUID, "display_name": "one", "host": "host", "state": "active", "task_state": None, "request_id": "req-1"}
    content = {
        "message_id": "f2e7c8f0",
        "publisher_id": "nova-compute:host",
        "event_type": event_type,
        "timestamp": "2026-11-22 09:12:33.204204",
        "priority": "INFO",
        "payload": {"nova_object.name": "InstanceCreatePayload", "nova_object.data": told | server},
    }
    return json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(content)}).encode()


def test_a_server_that_boots_is_told_of() -> None:
    """Name, host, state and addresses are where the contract has them."""
    address = {"nova_object.name": "IpPayload", "nova_object.data": {"address": "10.0.0.7", "version": 4}}
    assert read_notification(notification(ip_addresses=[address])) == InstanceChanged(
        name=UUID,
        state=InstanceState("create-end"),
        reason="told by nova-compute, asked by req-1",
        display_name="one",
        host="host",
        vm_state="active",
        addresses=("10.0.0.7",),
        happened_at="2026-11-22T09:12:33.204204Z",
    )


def test_a_server_that_fails_says_why() -> None:
    """What went wrong is the reason."""
    fault = {"nova_object.name": "ExceptionPayload", "nova_object.data": {"exception": "NoValidHost", "exception_message": "none"}}
    event = read_notification(notification("instance.create.error", fault=fault))
    assert event is not None
    assert (event.state, event.reason) == ("create-error", "NoValidHost: none")


def test_what_nobody_asked_for_has_no_request() -> None:
    """Nova's own periodic tasks tell as well."""
    event = read_notification(notification("instance.update", request_id=None))
    assert event is not None
    assert (event.state, event.reason) == ("update", "told by nova-compute")


@pytest.mark.parametrize("other", [notification("service.update"), notification("instance_action.x"), notification("flavor.create")])
def test_what_is_no_server_is_none_of_ours(other: bytes) -> None:
    """Services, flavors and the like are told of by nova too."""
    assert read_notification(other) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"oslo.message": "{}"}', notification("instance.create end")])
def test_what_is_no_notification_is_refused(body: bytes) -> None:
    """The three errors that a feed may raise, and no other."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        read_notification(body)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_setting_turns_it_off(wanted: bool) -> None:  # noqa: FBT001
    """NOVAFLOW_INSTANCE_EVENTS=0: nobody listens."""
    assert INSTANCES.when(make_settings(novaflow_instance_events=wanted)) is wanted


def test_what_is_read_is_made_beforehand() -> None:
    """Durable, bound to what nova publishes to, in the virtual host the feed logs in to."""
    url = INSTANCES.url(make_settings(), lambda name: name)
    made = definitions()
    assert url == "amqp://openstack:rabbitmq-rpc@127.0.0.1:5672/notifications"
    assert made["vhosts"] == [{"name": "notifications"}]
    assert [(queue["name"], queue["durable"]) for queue in made["queues"]] == [(name, True) for name in QUEUES]
    assert {binding["routing_key"] for binding in made["bindings"]} == set(QUEUES)
