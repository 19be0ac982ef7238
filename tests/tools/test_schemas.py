"""The contract of events: up to date, and true of encoded events."""

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]

from novaflow.events.record import EventRecord
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
from tools.event_kinds import describe_kinds
from tools.schemas import FOLDER, asyncapi, data_schema, files, write

EVENTS: tuple[Event, ...] = (
    StackChanged(name="nova", state=StackState.READY, reason="up", duration_s=61.2),
    WorkflowChanged(name="run", state=WorkflowState.FAILED, reason="nova-api failed", failed=("nova-api",)),
    StepChanged(name="glance.sync", state=StepState.RETRIED, workflow="run", component="glance", reason="the database was busy", attempt=2),
    ServiceChanged(name="nova-api", state=ServiceState.READY, workflow="run", component="nova-api", reason="answered", pid=4711, port=8774),
    ComponentEvent(kind="instance", name="5d2f", state="create-end", reason="by nova-compute", data={"addresses": ("10.0.0.7",)}),
)


def test_the_files_are_up_to_date() -> None:
    """After a change of event classes: python -m tools.schemas."""
    folder = Path(__file__).parents[2] / FOLDER
    others = {"README.md", "examples.jsonl", "released"}
    assert {path.name: path.read_text() for path in folder.iterdir() if path.name not in others} == files()


def test_the_folder_is_created(tmp_path: Path) -> None:
    """The files are written into a new folder."""
    write(tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(files())


def test_the_yaml_is_equal_to_the_document() -> None:
    """An independent reader gets the same document."""
    assert yaml.safe_load(files()["asyncapi.yaml"]) == asyncapi()


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_encoded_events_match_their_schema(event: Event) -> None:
    """The data matches its schema, and the message the one in the AsyncAPI document."""
    record = EventRecord(id="01J", sequence=1, time=datetime.now(UTC), source="/novaflow/host/nova", run_id="r", event=event)
    sent = json.loads(record.encode())
    schema = data_schema(describe_kinds()[event.kind])
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(sent["data"], schema, jsonschema.Draft202012Validator)
    assert set(sent["data"]) <= set(schema["properties"])
    message = asyncapi()["components"]["messages"][event.kind]
    jsonschema.validate(sent, message["payload"], jsonschema.Draft202012Validator)
    assert set(sent) <= set(message["payload"]["properties"])
