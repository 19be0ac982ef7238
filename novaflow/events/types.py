"""The events of a stack, as values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar


class StackState(StrEnum):
    """States of a stack."""

    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class WorkflowState(StrEnum):
    """States of one execution of a workflow."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepState(StrEnum):
    """States of a step: work that ends."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    RETRIED = "retried"


class DiskState(StrEnum):
    """States of the file system of a stack."""

    LOW = "low"
    OK = "ok"


class ServiceState(StrEnum):
    """States of a service: a program that runs until it is stopped."""

    STARTED = "started"
    READY = "ready"
    UNREADY = "unready"
    EXITED = "exited"
    RESTARTED = "restarted"
    ADOPTED = "adopted"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackChanged:
    """The stack changed its state; `name` is the name of the stack."""

    kind: ClassVar[str] = "stack"
    name: str
    state: StackState
    reason: str
    duration_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowChanged:
    """An execution of a workflow started or ended.

    `failed` lists the nodes that failed, without those that could not start because of them; `processor_s` is the processor
    time of all nodes.
    """

    kind: ClassVar[str] = "workflow"
    name: str
    state: WorkflowState
    reason: str
    duration_s: float | None = None
    processor_s: float | None = None
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChanged:
    """A step changed its state; `duration_s` counts from its start, `log_tail` holds the last lines of a failed program."""

    kind: ClassVar[str] = "step"
    name: str
    state: StepState
    workflow: str
    component: str
    reason: str
    duration_s: float | None = None
    attempt: int = 1
    log_tail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceChanged:
    """A service changed its state.

    `duration_s` counts from its start, `port` is missing for a service that does not listen, and `log_tail` holds the last
    lines of its log after it has exited or failed.
    """

    kind: ClassVar[str] = "service"
    name: str
    state: ServiceState
    workflow: str
    component: str
    reason: str
    duration_s: float | None = None
    attempt: int = 1
    pid: int | None = None
    port: int | None = None
    log_tail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskChanged:
    """The file system of the stack's folder became nearly full, or has enough space again; `name` is the name of the stack.

    `free_mib` is the free space in MiB.
    """

    kind: ClassVar[str] = "disk"
    name: str
    state: DiskState
    reason: str
    free_mib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentEvent:
    """An event of a kind that a component declares as an ``EventKind``.

    ``data`` holds the values of its fields; a value of ``None`` is dropped, as JSON omits it.
    One class serves all such kinds, so that a journal and a subscriber read them without the component that declares them.

    Raises: ValueError, if the kind or the state is not one word of a routing key, or the kind is one of the core.
    """

    kind: str
    name: str
    state: str
    reason: str
    data: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for word in (self.kind, self.state):
            if not re.fullmatch(WORD, word):
                raise ValueError(f"expected a word like create-end, found {word!r}")
        if self.kind in CORE_EVENTS:
            raise ValueError(f"{self.kind!r} is a kind of the core")
        object.__setattr__(self, "data", {name: value for name, value in self.data.items() if value is not None})


CoreEvent = StackChanged | WorkflowChanged | StepChanged | ServiceChanged | DiskChanged
Event = CoreEvent | ComponentEvent

WORD = "^[a-z0-9_]+(-[a-z0-9_]+)*$"  # a kind or a state, as one word of a routing key

STATES: Mapping[type[CoreEvent], type[StrEnum]] = {
    StackChanged: StackState,
    WorkflowChanged: WorkflowState,
    StepChanged: StepState,
    ServiceChanged: ServiceState,
    DiskChanged: DiskState,
}

CORE_EVENTS: Mapping[str, type[CoreEvent]] = {cls.kind: cls for cls in STATES}


@dataclass(frozen=True, slots=True)
class EventKind:
    """A kind of ``ComponentEvent``, declared by a component.

    ``summary`` is what subscribers read. ``fields`` maps the names of the optional fields of ``data`` to their types: str,
    int, float, or a tuple of one of them. ``states`` are examples.
    """

    name: str
    summary: str
    fields: Mapping[str, object]
    states: tuple[str, ...]
