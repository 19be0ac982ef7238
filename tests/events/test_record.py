"""Events: what they look like to the world, and that they read back as what they were."""

import json
from datetime import UTC, datetime

import pytest

from novaflow.events.record import DecodeError, EventRecord
from novaflow.events.types import (
    Event,
    InstanceChanged,
    InstanceState,
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
    """Return the event as the 42nd of a stack."""
    return EventRecord(
        id="01J", sequence=42, time=datetime(2026, 11, 22, 9, 12, 33, 204_000, UTC), source="/novaflow/host/nova", run_id="r1", event=event
    )


def test_an_event_is_a_cloudevent() -> None:
    """What travels is CloudEvents 1.0 with our data inside."""
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
    """A dot inside a name would make a fifth."""
    assert record(READY).routing_key == "nova.service.nova-api-one.ready"


@pytest.mark.parametrize(
    "event",
    [
        READY,
        StackChanged(name="nova", state=StackState.READY, reason="all is up", duration_s=61.2),
        WorkflowChanged(name="run", state=WorkflowState.FAILED, reason="failed: a", failed=("a", "b")),
        StepChanged(name="a.go", state=StepState.SKIPPED, workflow="run", component="a", reason="it is there"),
        InstanceChanged(name="5d2f4e0a", state=InstanceState("create-end"), reason="told", addresses=("10.0.0.7",)),
    ],
)
def test_an_event_reads_back(event: Event) -> None:
    """Written and read, every kind of event is the same value."""
    assert EventRecord.decode(record(event).encode()) == record(event)


@pytest.mark.parametrize("state", ["", "Create", "create.end", "create-", "create end", "create-end\n"])
def test_an_instances_state_is_one_word_of_a_routing_key(state: str) -> None:
    """Anything may come from a cloud; what would spoil a key is refused."""
    with pytest.raises(ValueError, match="expected a state like create-end"):
        InstanceState(state)


def test_later_fields_are_passed_over() -> None:
    """An older novaflow reads what a newer one wrote."""
    envelope = json.loads(record(READY).encode())
    envelope["data"]["mood"] = "good"
    assert EventRecord.decode(json.dumps(envelope).encode()) == record(READY)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"type": "novaflow.cat.ready"}', record(READY).encode()[:-20]])
def test_anything_else_is_refused_with_its_bytes(data: bytes) -> None:
    """What is no event of ours raises one error, which carries it."""
    with pytest.raises(DecodeError) as refused:
        EventRecord.decode(data)
    assert refused.value.data == data
