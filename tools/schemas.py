"""Writes the contract of events: `python -m tools.schemas [FOLDER]`.

It writes one JSON Schema for the data of each kind of event, and `asyncapi.yaml`, which describes the exchange.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from novaflow.events.exchange import EXCHANGE, VHOST, log_queue
from novaflow.events.record import CONTENT_TYPE
from novaflow.events.types import WORD
from tools.event_kinds import KindDescription, all_states, describe_kinds

FOLDER = Path("docs/events")

ATTRIBUTES: Mapping[str, str] = {
    "id": "Identifies the event, together with `source`: a repeat has the same. A ULID.",
    "source": "`/novaflow/HOST/STACK`.",
    "type": "`novaflow.KIND.STATE`.",
    "subject": "The name of the stack, workflow, step, service or other object that changed.",
    "time": "When the event happened, in UTC; not when it was published.",
    "sequence": "Increases by one with each event of a source, without gaps; ten digits.",
    "correlationid": "Identifies one execution of a workflow.",
}


def data_schema(kind: KindDescription) -> dict[str, Any]:
    """Return the JSON Schema of the data of an event of this kind."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:novaflow:event:{kind.name}:1",
        "title": kind.name,
        "description": kind.meaning,
        "type": "object",
        "properties": dict(kind.properties),
        "required": [*kind.required],
        "additionalProperties": True,
    }


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 description of the exchange and its messages."""
    kinds = describe_kinds()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "novaflow events",
            "version": "1.0.0",
            "description": "Every change of a stack, as CloudEvents 1.0 on RabbitMQ: at least once, in order.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {"events": _channel(kinds)},
        "operations": {
            "publish": {
                "action": "send",
                "channel": {"$ref": "#/channels/events"},
                "bindings": {"amqp": {"deliveryMode": 2, "mandatory": True, "bindingVersion": "0.3.0"}},
            }
        },
        "components": {"messages": {name: _message(kind) for name, kind in kinds.items()}},
    }


def _channel(kinds: Mapping[str, KindDescription]) -> dict[str, Any]:
    return {
        "address": "{stack}.{kind}.{name}.{state}",
        "description": f"The stream queue {log_queue(EXCHANGE)} keeps the events for later subscribers.",
        "parameters": {
            "stack": {"description": "The name of the stack's folder."},
            "kind": {"enum": [*kinds]},
            "name": {"description": "The subject of the event; a dot in it becomes a dash."},
            "state": {"description": "The new state; each kind has its own.", "examples": all_states(kinds.values())},
        },
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in kinds},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": EXCHANGE, "type": "topic", "durable": True, "autoDelete": False, "vhost": VHOST},
                "bindingVersion": "0.3.0",
            }
        },
    }


def _message(kind: KindDescription) -> dict[str, Any]:
    headers = ("specversion", *ATTRIBUTES, "datacontenttype", "dataschema")
    return {
        "title": kind.name,
        "summary": kind.meaning.partition(". ")[0],
        "contentType": CONTENT_TYPE,
        "headers": {
            "type": "object",
            "description": "The CloudEvents attributes, for subscribers that select messages without reading the body.",
            "properties": {f"cloudEvents_{name}": {"type": "string"} for name in headers},
        },
        "payload": {
            "type": "object",
            "properties": {
                "specversion": {"const": "1.0"},
                **{name: {"type": "string", "description": text} for name, text in ATTRIBUTES.items()},
                "type": _type_schema(kind),
                "datacontenttype": {"const": "application/json"},
                "dataschema": {"const": f"urn:novaflow:event:{kind.name}:1"},
                "data": {name: value for name, value in data_schema(kind).items() if not name.startswith("$")},
            },
            "required": [*headers, "data"],
        },
        "bindings": {"amqp": {"contentEncoding": "utf-8", "messageType": f"novaflow.{kind.name}.STATE", "bindingVersion": "0.3.0"}},
    }


def _type_schema(kind: KindDescription) -> dict[str, Any]:
    if kind.open_states:
        return {"type": "string", "pattern": rf"^novaflow\.{kind.name}\.{WORD[1:]}"}
    return {"enum": [f"novaflow.{kind.name}.{state}" for state in kind.states]}


def files() -> dict[str, str]:
    """Return the names and the texts of all files of the contract."""
    schemas = {f"{name}.schema.json": json.dumps(data_schema(kind), indent=2) + "\n" for name, kind in describe_kinds().items()}
    text = yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=120)
    return schemas | {"asyncapi.yaml": f"# Written by `python -m tools`.\n{text}"}


def write(folder: Path) -> None:
    """Write the files of the contract into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
