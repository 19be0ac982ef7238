"""The events of a stack, as values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self


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
    reason: str
    duration_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowChanged:
    """One execution of a workflow began or ended.

    ``failed`` names the nodes that failed by themselves; ``processor_s`` is the processor time all of them used.
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
    """A step changed its state; ``duration_s`` counts from its start."""

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
    """A service changed its state; ``port`` is ``None`` for a daemon that listens nowhere."""

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
class InstanceChanged:
    """Something happened to a server in the cloud; ``name`` is its UUID.

    ``happened_at`` is when the cloud said it was; ``vm_state`` and ``task_state`` are the cloud's words for what the server is
    and what is being done with it.
    """

    kind: ClassVar[str] = "instance"
    name: str
    state: InstanceState
    reason: str
    display_name: str | None = None
    host: str | None = None
    vm_state: str | None = None
    task_state: str | None = None
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
