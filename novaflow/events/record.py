"""Event records: events with an id, a time and a sequence number, as CloudEvents JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Self

from novaflow.events.types import CORE_EVENTS, STATES, ComponentEvent, CoreEvent, Event

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
SEQUENCE_DIGITS = 10  # sequence numbers of equal length sort as text

_IN_ENVELOPE = {"name", "state"}  # `subject`, and the last word of `type`
_DATA_FIELDS: Mapping[type[CoreEvent], tuple[str, ...]] = {
    cls: tuple(field.name for field in fields(cls) if field.name not in _IN_ENVELOPE) for cls in STATES
}


class DecodeError(ValueError):
    """The data is not an event record; ``data`` holds it."""

    def __init__(self, data: bytes, why: str) -> None:
        super().__init__(f"not an event ({why}): {data[:80]!r}")
        self.data = data


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """An event as it is stored and published.

    ``id`` is a ULID, ``sequence`` increases by one with each event of the stack, ``run_id`` identifies one execution of a
    workflow.
    """

    id: str
    sequence: int
    time: datetime
    source: str
    run_id: str
    event: Event

    @property
    def stack(self) -> str:
        """Return the name of the stack, the last part of ``source``."""
        return self.source.rpartition("/")[2]

    @property
    def type(self) -> str:
        """Return the CloudEvents type, for example ``novaflow.service.ready``."""
        return f"novaflow.{self.event.kind}.{self.event.state}"

    @property
    def routing_key(self) -> str:
        """Return the four words stack, kind, name and state; a dot inside a word becomes a dash."""
        words = (self.stack, self.event.kind, self.event.name, self.event.state)
        return ".".join(word.replace(".", "-") for word in words)

    @property
    def attributes(self) -> dict[str, str]:
        """Return the CloudEvents context attributes, used as JSON members and as message headers."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.event.name,
            "time": self.time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "dataschema": f"urn:novaflow:event:{self.event.kind}:1",
            "sequence": f"{self.sequence:0{SEQUENCE_DIGITS}d}",
            "correlationid": self.run_id,
        }

    def encode(self) -> bytes:
        """Return the structured mode of CloudEvents 1.0 as one line of JSON, without a newline; fields that are ``None`` are omitted."""
        content = {**self.attributes, "data": _data_of(self.event)}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the record that ``encode`` encoded; unknown fields are ignored.

        Raises: DecodeError, if the data is not an event record.
        """
        try:
            envelope = json.loads(data)
            _, kind, state = envelope["type"].split(".")
            return cls(
                id=_read_text(envelope, "id"),
                sequence=int(envelope["sequence"]),
                time=_read_time(envelope),
                source=_read_text(envelope, "source"),
                run_id=_read_text(envelope, "correlationid"),
                event=_make_event(kind, _read_text(envelope, "subject"), state, envelope["data"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DecodeError(data, f"{type(error).__name__}: {error}") from error


def _data_of(event: Event) -> dict[str, object]:
    if isinstance(event, ComponentEvent):
        return {"reason": event.reason, **event.data}
    # Not asdict: its deep copies take four times as long as the rest of `encode`.
    members = ((name, getattr(event, name)) for name in _DATA_FIELDS[type(event)])
    return {name: value for name, value in members if value is not None}


def _read_text(members: Mapping[str, object], name: str) -> str:
    text = members[name]
    if not isinstance(text, str):
        raise TypeError(f"{name} is {text!r}, not text")
    return text


def _read_time(envelope: Mapping[str, Any]) -> datetime:
    time = datetime.fromisoformat(envelope["time"])
    if time.tzinfo is None:  # it could not be compared with the times of other events
        raise ValueError(f"time {envelope['time']} has no zone")
    return time


def _make_event(kind: str, name: str, state: str, data: Mapping[str, object]) -> Event:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    reason = _read_text(values, "reason")
    if kind not in CORE_EVENTS:
        del values["reason"]
        return ComponentEvent(kind=kind, name=name, state=state, reason=reason, data=values)
    cls = CORE_EVENTS[kind]
    known = {key: value for key, value in values.items() if key in _DATA_FIELDS[cls]}
    return cls(**known | {"name": name, "state": STATES[cls](state)})
