"""Event records: their CloudEvents form, and that decoding it returns the same record."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaflow.events.record import DecodeError, EventRecord
from novaflow.events.types import (
    CORE_EVENTS,
    ComponentEvent,
    DiskChanged,
    DiskState,
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
from tests.support.properties import EXAMPLES

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


def decode_changed(**members: object) -> EventRecord:
    """Decode an event of which these members of the envelope are changed."""
    return EventRecord.decode(json.dumps(json.loads(record(READY).encode()) | members).encode())


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"time": "2026-11-22T09:12:33.204"}, "ValueError: time 2026-11-22T09:12:33.204 has no zone"),
        ({"time": "noon"}, "ValueError: Invalid isoformat string: 'noon'"),
        ({"sequence": "first"}, "ValueError: invalid literal for int() with base 10: 'first'"),
        ({"id": 5}, "TypeError: id is 5, not text"),
        ({"source": None}, "TypeError: source is None, not text"),
        ({"subject": ["web"]}, "TypeError: subject is ['web'], not text"),
        ({"correlationid": None}, "TypeError: correlationid is None, not text"),
        ({"type": "novaflow.service"}, "ValueError: not enough values to unpack (expected 3, got 2)"),
        ({"type": "novaflow.service.asleep"}, "ValueError: 'asleep' is not a valid ServiceState"),
        ({"type": "novaflow.a cat.ready"}, "ValueError: expected a word like create-end, found 'a cat'"),
        ({"data": {}}, "KeyError: 'reason'"),
        ({"data": {"reason": 5}}, "TypeError: reason is 5, not text"),
        ({"data": []}, "AttributeError: 'list' object has no attribute 'items'"),
    ],
)
def test_an_envelope_with_a_wrong_member_is_refused(members: dict[str, object], why: str) -> None:
    """A subscriber could not use such a value; the error names it, and shows the beginning of the data."""
    with pytest.raises(DecodeError) as refused:
        decode_changed(**members)
    assert str(refused.value) == f"not an event ({why}): {refused.value.data[:80]!r}"


def test_the_state_of_a_service_is_not_that_of_a_step() -> None:
    """Each kind has its own states."""
    with pytest.raises(DecodeError, match="'skipped' is not a valid ServiceState"):
        decode_changed(type="novaflow.service.skipped")


def test_times_are_written_in_utc_with_milliseconds() -> None:
    """Whatever the zone of the machine; a reader compares them as moments."""
    there = timezone(timedelta(hours=5, minutes=30))
    written = replace(record(READY), time=datetime(2026, 11, 22, 14, 42, 33, 204_999, there))
    assert written.attributes["time"] == "2026-11-22T09:12:33.204Z"
    assert EventRecord.decode(written.encode()).time == datetime(2026, 11, 22, 9, 12, 33, 204_000, UTC)


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0000000000"), (42, "0000000042"), (9_999_999_999, "9999999999"), (10**10, "10000000000")]
)
def test_sequence_numbers_have_ten_digits(number: int, text: str) -> None:
    """They sort as text; a larger one is written, too."""
    written = replace(record(READY), sequence=number)
    assert written.attributes["sequence"] == text
    assert EventRecord.decode(written.encode()) == written


def test_the_name_of_the_stack_is_the_end_of_its_source() -> None:
    """A dot in it is a dash in the routing key."""
    written = replace(record(READY), source="/novaflow/host.example.org/my.stack")
    assert (written.stack, written.routing_key) == ("my.stack", "my-stack.service.nova-api-one.ready")


TEXTS = st.text(max_size=20)
NUMBERS = st.integers(0, 2**31)
DURATIONS = st.none() | st.floats(0, 1e6, allow_nan=False)
WORDS = st.from_regex(r"\A[a-z0-9_]{1,5}(-[a-z0-9_]{1,5})?\Z").filter(lambda word: word not in CORE_EVENTS)
FIELDS = st.dictionaries(
    st.text(min_size=1, max_size=8).filter(lambda name: name != "reason"), st.integers() | TEXTS | st.lists(TEXTS).map(tuple), max_size=3
)
GENERATED: st.SearchStrategy[Event] = st.one_of(
    st.builds(StackChanged, name=TEXTS, state=st.sampled_from(StackState), reason=TEXTS, duration_s=DURATIONS),
    st.builds(
        WorkflowChanged, name=TEXTS, state=st.sampled_from(WorkflowState), reason=TEXTS, failed=st.lists(TEXTS, max_size=3).map(tuple)
    ),
    st.builds(
        ServiceChanged,
        name=TEXTS,
        state=st.sampled_from(ServiceState),
        workflow=TEXTS,
        component=TEXTS,
        reason=TEXTS,
        duration_s=DURATIONS,
        attempt=NUMBERS,
        pid=st.none() | NUMBERS,
        log_tail=st.none() | TEXTS,
    ),
    st.builds(DiskChanged, name=TEXTS, state=st.sampled_from(DiskState), reason=TEXTS, free_mib=NUMBERS),
    st.builds(ComponentEvent, kind=WORDS, name=TEXTS, state=WORDS, reason=TEXTS, data=FIELDS),
)


@pytest.mark.slow
@EXAMPLES
@given(event=GENERATED)
def test_any_event_is_one_line_and_keeps_its_value(event: Event) -> None:
    """The journal has one event a line; a line break in a reason does not end it."""
    encoded = record(event).encode()
    assert b"\n" not in encoded
    assert EventRecord.decode(encoded) == record(event)
    assert record(event).routing_key.count(".") == 3
