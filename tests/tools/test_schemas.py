"""The contract of events: written from the classes, and true of what is sent."""

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]

from novaflow.events.record import EventRecord
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
from tools.schemas import FOLDER, asyncapi, data_schema, files, write

EVENTS: tuple[Event, ...] = (
    StackChanged(name="nova", state=StackState.READY, reason="up", duration_s=61.2),
    WorkflowChanged(name="run", state=WorkflowState.FAILED, reason="nova-api failed", failed=("nova-api",)),
    StepChanged(name="glance.sync", state=StepState.RETRIED, workflow="run", component="glance", reason="the database was busy", attempt=2),
    ServiceChanged(name="nova-api", state=ServiceState.READY, workflow="run", component="nova-api", reason="answered", pid=4711, port=8774),
    InstanceChanged(name="5d2f4e0a", state=InstanceState("create-end"), reason="told", host="host", addresses=("10.0.0.7",)),
)


def test_the_files_are_fresh() -> None:
    """Whoever changes an event class writes the files again: python -m tools.schemas."""
    folder = Path(__file__).parents[2] / FOLDER
    others = {"README.md", "examples.jsonl", "released"}
    assert {path.name: path.read_text() for path in folder.iterdir() if path.name not in others} == files()


def test_they_are_written_where_asked(tmp_path: Path) -> None:
    """The folder is made."""
    write(tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(files())


def test_the_yaml_says_what_was_meant() -> None:
    """An independent reader finds the same."""
    assert yaml.safe_load(files()["asyncapi.yaml"]) == asyncapi()


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_what_is_sent_is_as_described(event: Event) -> None:
    """The data fits its schema, and the whole message the one in the AsyncAPI document."""
    record = EventRecord(id="01J", sequence=1, time=datetime.now(UTC), source="/novaflow/host/nova", run_id="r", event=event)
    sent = json.loads(record.encode())
    schema = data_schema(type(event))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(sent["data"], schema, jsonschema.Draft202012Validator)
    assert set(sent["data"]) <= set(schema["properties"])
    message = asyncapi()["components"]["messages"][event.kind]
    jsonschema.validate(sent, message["payload"], jsonschema.Draft202012Validator)
    assert set(sent) <= set(message["payload"]["properties"])
