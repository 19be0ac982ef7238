"""Everything that can be told about a stack's life, as values that travel as CloudEvents."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar, Self

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
SEQUENCE_DIGITS = 10  # as in the contract's example: sequences sort as text


class StackState(StrEnum):
    """Where a whole stack is in its life."""

    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class WorkflowState(StrEnum):
    """Where one execution of a workflow is."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepState(StrEnum):
    """Where a step is: something that is done and over."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    RETRIED = "retried"


class ServiceState(StrEnum):
    """Where a service is: something that stays up."""

    STARTED = "started"
    READY = "ready"
    UNREADY = "unready"
    EXITED = "exited"
    RESTARTED = "restarted"
    ADOPTED = "adopted"
    STOPPED = "stopped"
    FAILED = "failed"


class InstanceState(str):
    """What happened to a server, as its cloud calls it: ``create-start``, ``create-end``; no list is complete.

    Raises: ValueError, if the text is not one word of a routing key.
    """

    __slots__ = ()
    PATTERN: ClassVar[str] = "^[a-z0-9_]+(-[a-z0-9_]+)*$"

    def __new__(cls, text: str) -> Self:
        """Return the text as a state."""
        if not re.fullmatch(cls.PATTERN, text):
            message = f"expected a state like create-end, found {text!r}"
            raise ValueError(message)
        return super().__new__(cls, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackChanged:
    """The whole stack changed its state; ``name`` is the stack's own."""

    kind: ClassVar[str] = "stack"
    name: str
    state: StackState
    because: str
    duration_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowChanged:
    """One execution of a workflow began or ended.

    ``failed`` names the nodes that failed by themselves; ``processor_s`` is the processor time all of them used.
    """

    kind: ClassVar[str] = "workflow"
    name: str
    state: WorkflowState
    because: str
    duration_s: float | None = None
    processor_s: float | None = None
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChanged:
    """A step changed its state; ``duration_s`` counts from its start."""

    kind: ClassVar[str] = "step"
    name: str
    state: StepState
    workflow: str
    component: str
    because: str
    duration_s: float | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceChanged:
    """A service changed its state; ``port`` is ``None`` for a daemon that listens nowhere."""

    kind: ClassVar[str] = "service"
    name: str
    state: ServiceState
    workflow: str
    component: str
    because: str
    duration_s: float | None = None
    attempt: int = 1
    pid: int | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceChanged:
    """Something happened to a server in the cloud; ``name`` is its UUID.

    ``happened_at`` is when the cloud said it was; ``condition`` and ``doing`` are the cloud's words for what the server is
    and what is being done with it.
    """

    kind: ClassVar[str] = "instance"
    name: str
    state: InstanceState
    because: str
    display_name: str | None = None
    host: str | None = None
    condition: str | None = None
    doing: str | None = None
    addresses: tuple[str, ...] = ()
    happened_at: str | None = None


Event = StackChanged | WorkflowChanged | StepChanged | ServiceChanged | InstanceChanged
STATES: Mapping[type[Event], type[StrEnum | InstanceState]] = {
    StackChanged: StackState,
    WorkflowChanged: WorkflowState,
    StepChanged: StepState,
    ServiceChanged: ServiceState,
    InstanceChanged: InstanceState,
}
LISTED: Mapping[type[Event], tuple[str, ...]] = {  # nothing where no list is complete
    cls: tuple(state.value for state in states) if issubclass(states, StrEnum) else () for cls, states in STATES.items()
}
_CLASSES: Mapping[str, type[Event]] = {cls.kind: cls for cls in STATES}
_IN_ENVELOPE = {"name", "state"}  # they travel as `subject` and as the last word of `type`
_DATA: Mapping[type[Event], tuple[str, ...]] = {
    cls: tuple(field.name for field in fields(cls) if field.name not in _IN_ENVELOPE) for cls in STATES
}


class DecodeError(ValueError):
    """Bytes that are not one of our events; ``data`` holds them."""

    def __init__(self, data: bytes, why: str) -> None:
        super().__init__(f"not an event ({why}): {data[:80]!r}")
        self.data = data


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event as the journal holds it and AMQP carries it: with its identity, time and place in the sequence.

    ``id`` is a ULID, ``sequence`` counts up by one per stack, ``run_id`` names one execution of a workflow.
    """

    id: str
    sequence: int
    time: datetime
    source: str
    run_id: str
    event: Event

    @property
    def stack(self) -> str:
        """Return the stack's name: the last word of ``source``."""
        return self.source.rpartition("/")[2]

    @property
    def type(self) -> str:
        """Return the CloudEvents type, for example ``novaflow.service.ready``."""
        return f"novaflow.{self.event.kind}.{self.event.state}"

    @property
    def routing_key(self) -> str:
        """Return four words: stack, kind, name, state; a dot inside a name becomes a dash."""
        words = (self.stack, self.event.kind, self.event.name, self.event.state)
        return ".".join(word.replace(".", "-") for word in words)

    @property
    def attributes(self) -> dict[str, str]:
        """Return the CloudEvents context attributes by name, as JSON members and message headers carry them."""
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
        """Return the CloudEvents 1.0 JSON of structured mode, on one line without its end."""
        # Not asdict: its deep copies cost four times as much as all of the rest.
        members = ((name, getattr(self.event, name)) for name in _DATA[type(self.event)])
        data = {name: value for name, value in members if value is not None}
        return json.dumps({**self.attributes, "data": data}, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read what ``encode`` wrote; fields of later releases are passed over.

        Raises: DecodeError, if the bytes are anything else.
        """
        try:
            envelope = json.loads(data)
            _, kind, state = envelope["type"].split(".")
            event_class = _CLASSES[kind]
            known = {field.name for field in fields(event_class)}
            content = {key: value for key, value in envelope["data"].items() if key in known}
            content |= {"name": envelope["subject"], "state": STATES[event_class](state)}
            content = {key: tuple(value) if isinstance(value, list) else value for key, value in content.items()}
            return cls(
                id=envelope["id"],
                sequence=int(envelope["sequence"]),
                time=datetime.fromisoformat(envelope["time"]),
                source=envelope["source"],
                run_id=envelope["correlationid"],
                event=event_class(**content),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DecodeError(data, f"{type(error).__name__}: {error}") from error
