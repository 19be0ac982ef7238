"""Event records: their CloudEvents form, and that decoding it returns the same record."""

import json
from datetime import UTC, datetime

import pytest

from novaflow.events.record import DecodeError, EventRecord
from novaflow.events.types import (
    ComponentEvent,
    Event,
    ServiceChanged,
    ServiceState,
    StackChanged,
    StackState,
    StepChanged,
    StepState,
    WorkflowChanged,
    WorkflowState,
)

READY = ServiceChanged(
    name="nova-api.one", state=ServiceState.READY, workflow="run", component="api", reason="answered", duration_s=3.21, pid=4711, port=8774
)


def record(event: Event) -> EventRecord:
    """Return the event as the 42nd event of a stack."""
    return EventRecord(
        id="01J", sequence=42, time=datetime(2026, 11, 22, 9, 12, 33, 204_000, UTC), source="/novaflow/host/nova", run_id="r1", event=event
    )


def test_an_event_is_a_cloudevent() -> None:
    """The encoded form is CloudEvents 1.0, with the event in ``data``."""
    assert json.loads(record(READY).encode()) == {
        "specversion": "1.0",
        "id": "01J",
        "source": "/novaflow/host/nova",
        "type": "novaflow.service.ready",
        "subject": "nova-api.one",
        "time": "2026-11-22T09:12:33.204Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:novaflow:event:service:1",
        "sequence": "0000000042",
        "correlationid": "r1",
        "data": {
            "workflow": "run",
            "component": "api",
            "reason": "answered",
            "duration_s": 3.21,
            "attempt": 1,
            "pid": 4711,
            "port": 8774,
        },
    }


def test_a_routing_key_has_four_words() -> None:
    """A dot inside a name becomes a dash, or it would begin a fifth word."""
    assert record(READY).routing_key == "nova.service.nova-api-one.ready"


@pytest.mark.parametrize(
    "event",
    [
        READY,
        StackChanged(name="nova", state=StackState.READY, reason="every service is ready", duration_s=61.2),
        WorkflowChanged(name="run", state=WorkflowState.FAILED, reason="failed: a", failed=("a", "b")),
        StepChanged(name="a.go", state=StepState.SKIPPED, workflow="run", component="a", reason="already done"),
        ComponentEvent(kind="instance", name="5d2f4e0a", state="create-end", reason="notified", data={"addresses": ("10.0.0.7",)}),
    ],
)
def test_decoding_returns_the_encoded_record(event: Event) -> None:
    """Every kind of event keeps its value."""
    assert EventRecord.decode(record(event).encode()) == record(event)


@pytest.mark.parametrize("word", ["", "Create", "create.end", "create-", "create end", "create-end\n"])
def test_kind_and_state_of_a_component_event_are_words_of_a_routing_key(word: str) -> None:
    """A word that does not fit into a routing key is rejected."""
    with pytest.raises(ValueError, match="expected a word like create-end"):
        ComponentEvent(kind="instance", name="5d2f4e0a", state=word, reason="notified")
    with pytest.raises(ValueError, match="expected a word like create-end"):
        ComponentEvent(kind=word, name="5d2f4e0a", state="created", reason="notified")


def test_a_component_event_has_a_kind_of_its_own() -> None:
    """The kinds of the core have classes."""
    with pytest.raises(ValueError, match="'service' is a kind of the core"):
        ComponentEvent(kind="service", name="web", state="ready", reason="answered")


def test_fields_without_value_are_omitted() -> None:
    """A value of ``None`` is neither in the event nor in its JSON."""
    event = ComponentEvent(kind="instance", name="5d2f4e0a", state="create-end", reason="notified", data={"host": "a", "task_state": None})
    assert json.loads(record(event).encode())["data"] == {"reason": "notified", "host": "a"}
    assert EventRecord.decode(record(event).encode()) == record(event)


def test_unknown_fields_are_ignored() -> None:
    """An older novaflow reads the events of a newer one."""
    envelope = json.loads(record(READY).encode())
    envelope["data"]["added_later"] = "x"
    assert EventRecord.decode(json.dumps(envelope).encode()) == record(READY)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"type": "novaflow.cat.ready"}', record(READY).encode()[:-20]])
def test_other_data_is_refused(data: bytes) -> None:
    """The error carries the data."""
    with pytest.raises(DecodeError) as refused:
        EventRecord.decode(data)
    assert refused.value.data == data
