"""The life cycle of a node as a transition table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Phase(Enum):
    """Phase of a node's life cycle."""

    WAITING = "waiting"  # a need is not up yet, or the pool is full
    STARTING = "starting"  # running, but not usable yet
    UP = "up"  # a step has succeeded, or a service is ready
    STOPPING = "stopping"  # a stop was requested, and processes may still run
    BACKOFF = "backoff"  # exited unexpectedly, and will be restarted after a pause
    FAILED = "failed"  # failed, or cannot start because a need failed
    STOPPED = "stopped"  # stopped by request, or never started


@dataclass(frozen=True, slots=True)
class Started:
    """The plan started the node."""

    node: str


@dataclass(frozen=True, slots=True)
class Succeeded:
    """A step succeeded, or a service became ready."""

    node: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A step failed, or a service exited or did not become ready."""

    node: str
    why: str


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The plan requested a stop, or cancelled the start."""

    node: str


@dataclass(frozen=True, slots=True)
class StartRequested:
    """A user requested the start of a service that is down."""

    node: str


@dataclass(frozen=True, slots=True)
class Exited:
    """All processes of the node have exited."""

    node: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """A service that had been ready exited or stopped answering, and its restart policy allows a restart."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class RestartDue:
    """The pause before the restart of a service is over."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReadinessChanged:
    """A service that is up does not answer any more, or answers again; its phase stays the same."""

    node: str
    ready: bool


Fact = Succeeded | Failed | Exited | Crashed | RestartDue | ReadinessChanged
Transition = Started | StopRequested | StartRequested | Fact

LIFECYCLE: Mapping[Phase, Mapping[type[Transition], Phase]] = {
    Phase.WAITING: {Started: Phase.STARTING, Failed: Phase.FAILED, StopRequested: Phase.STOPPED},
    Phase.STARTING: {Succeeded: Phase.UP, Failed: Phase.FAILED, Crashed: Phase.BACKOFF, StopRequested: Phase.STOPPING},
    Phase.UP: {Failed: Phase.FAILED, Crashed: Phase.BACKOFF, StopRequested: Phase.STOPPING},
    Phase.STOPPING: {Succeeded: Phase.STOPPING, Failed: Phase.FAILED, Crashed: Phase.STOPPED, Exited: Phase.STOPPED},
    Phase.BACKOFF: {RestartDue: Phase.WAITING, StartRequested: Phase.WAITING, StopRequested: Phase.STOPPED},
    Phase.FAILED: {StartRequested: Phase.WAITING},
    Phase.STOPPED: {StartRequested: Phase.WAITING},
}


def next_phase(phase: Phase, transition: Transition) -> Phase:
    """Return the phase after ``transition``; a transition that the table does not list changes nothing."""
    return LIFECYCLE[phase].get(type(transition), phase)
