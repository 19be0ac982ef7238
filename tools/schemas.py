"""The contract of events, written from the event classes: `python -m tools.schemas [FOLDER]`.

It writes a JSON Schema of the data of each kind of event, and `asyncapi.yaml`, which describes the whole.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from novaflow.events.exchange import EXCHANGE, VHOST, log_queue
from novaflow.events.record import CONTENT_TYPE
from novaflow.events.types import LISTED, STATES, Event, InstanceState

FOLDER = Path("docs/events")

_TYPES: Mapping[Any, str] = {str: "string", int: "integer", float: "number"}
_IN_ENVELOPE = {"name", "state"}  # they travel as `subject` and as the last word of `type`
_ATTRIBUTES = {
    "id": "Identifies the event, together with `source`: a repeat has both. A ULID.",
    "source": "/novaflow/HOST/STACK.",
    "type": "novaflow.KIND.STATE.",
    "subject": "The name of what changed.",
    "time": "When it happened, in UTC; not when it was sent.",
    "sequence": "Counts up by one per source, without gaps.",
    "correlationid": "Names one execution of a workflow.",
}


def data_schema(event_class: type[Event]) -> dict[str, Any]:
    """Return the JSON Schema of what an event of this class carries as `data`."""
    hints = get_type_hints(event_class)
    members = [field for field in fields(event_class) if field.name not in _IN_ENVELOPE]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:novaflow:event:{event_class.kind}:1",
        "title": event_class.__name__,
        "description": " ".join((event_class.__doc__ or "").split()),
        "type": "object",
        "properties": {field.name: _member_schema(hints[field.name]) for field in members},
        # What has a default may be missing; later releases may add members, never remove or retype one.
        "required": [field.name for field in members if field.default is MISSING],
        "additionalProperties": True,
    }


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 description of the exchange and all that passes through it."""
    kinds = {cls.kind: cls for cls in STATES}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "novaflow events",
            "version": "1.0.0",
            "description": "Everything that happens to a stack, as CloudEvents 1.0 on RabbitMQ: at least once, in order.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            "events": {
                "address": "{stack}.{kind}.{name}.{state}",
                "description": f"Late subscribers read the stream queue {log_queue(EXCHANGE)}, which keeps the events.",
                "parameters": {
                    "stack": {"description": "The name of the stack's folder."},
                    "kind": {"enum": [*kinds]},
                    "name": {"description": "The name of what changed; a dot in it becomes a dash."},
                    "state": {
                        "description": "What the name has become; each kind has its own, and an instance those of its cloud.",
                        "examples": [*sorted({state for states in LISTED.values() for state in states}), "create-end"],
                    },
                },
                "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in kinds},
                "bindings": {
                    "amqp": {
                        "is": "routingKey",
                        "exchange": {"name": EXCHANGE, "type": "topic", "durable": True, "autoDelete": False, "vhost": VHOST},
                        "bindingVersion": "0.3.0",
                    }
                },
            }
        },
        "operations": {
            "publish": {
                "action": "send",
                "channel": {"$ref": "#/channels/events"},
                "bindings": {"amqp": {"deliveryMode": 2, "mandatory": True, "bindingVersion": "0.3.0"}},
            }
        },
        "components": {"messages": {kind: _message(cls) for kind, cls in kinds.items()}},
    }


def as_yaml(value: Any, indent: int = 0) -> Iterator[str]:  # noqa: ANN401 - whatever JSON can hold
    """Yield the lines of a YAML document; scalars are written as JSON writes them, which YAML includes."""
    pairs = value.items() if isinstance(value, dict) else ((None, each) for each in value)
    for key, each in pairs:
        head = " " * indent + ("-" if key is None else f"{json.dumps(key) if key.startswith('$') else key}:")
        if isinstance(each, dict | list) and each:
            yield head
            yield from as_yaml(each, indent + 2)
        else:
            yield f"{head} {json.dumps(each, ensure_ascii=False)}"


def files() -> dict[str, str]:
    """Return the name and the text of every file of the contract."""
    schemas = {f"{cls.kind}.schema.json": json.dumps(data_schema(cls), indent=2) + "\n" for cls in STATES}
    return schemas | {
        "asyncapi.yaml": "# Written by `python -m tools.schemas` from the event classes.\n" + "\n".join(as_yaml(asyncapi())) + "\n"
    }


def _message(event_class: type[Event]) -> dict[str, Any]:
    kind = event_class.kind
    return {
        "title": event_class.__name__,
        "summary": (event_class.__doc__ or "").partition("\n")[0],
        "contentType": CONTENT_TYPE,
        "headers": {
            "type": "object",
            "description": "Every CloudEvents attribute once more, so that nobody has to read the body to choose.",
            "properties": {
                f"cloudEvents_{name}": {"type": "string"} for name in ("specversion", *_ATTRIBUTES, "datacontenttype", "dataschema")
            },
        },
        "payload": {
            "type": "object",
            "properties": {
                "specversion": {"const": "1.0"},
                **{name: {"type": "string", "description": text} for name, text in _ATTRIBUTES.items()},
                "type": _type_schema(event_class),
                "datacontenttype": {"const": "application/json"},
                "dataschema": {"const": f"urn:novaflow:event:{kind}:1"},
                "data": {name: value for name, value in data_schema(event_class).items() if not name.startswith("$")},
            },
            "required": ["specversion", *_ATTRIBUTES, "datacontenttype", "dataschema", "data"],
        },
        "bindings": {"amqp": {"contentEncoding": "utf-8", "messageType": f"novaflow.{kind}.STATE", "bindingVersion": "0.3.0"}},
    }


def _type_schema(event_class: type[Event]) -> dict[str, Any]:
    if states := LISTED[event_class]:
        return {"enum": [f"novaflow.{event_class.kind}.{state}" for state in states]}
    return {"type": "string", "pattern": rf"^novaflow\.{event_class.kind}\.{InstanceState.PATTERN[1:]}"}


def _member_schema(hint: Any) -> dict[str, Any]:  # noqa: ANN401 - type hints have no common type
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _member_schema(get_args(hint)[0])}
    (kind,) = [each for each in get_args(hint) or (hint,) if each is not NoneType]
    return {"type": _TYPES[kind]}


def write(folder: Path) -> None:
    """Write the files of the contract into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
