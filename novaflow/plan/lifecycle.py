"""The life of a node, as one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Phase(Enum):
    """Where a node is in its life."""

    WAITING = "waiting"  # some need is not up yet, or its lane is full
    STARTING = "starting"  # running, and nobody may rely on it yet
    UP = "up"  # step done, or service answering
    STOPPING = "stopping"  # asked to stop, and not gone yet
    FAILED = "failed"  # gave up, died, or can never start
    STOPPED = "stopped"  # gone because it was asked to, or never started


@dataclass(frozen=True, slots=True)
class Started:
    """The plan sent the node off."""

    node: str


@dataclass(frozen=True, slots=True)
class Succeeded:
    """A step is done, or a service answers."""

    node: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A step gave up, or a service died or never answered."""

    node: str
    why: str


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The plan asked the node to stop, or will never start it."""

    node: str


@dataclass(frozen=True, slots=True)
class StartRequested:
    """Somebody wants the service again that is down."""

    node: str


@dataclass(frozen=True, slots=True)
class Exited:
    """Nothing of the node runs any more."""

    node: str


Fact = Succeeded | Failed | Exited
Transition = Started | StopRequested | StartRequested | Fact

LIFECYCLE: Mapping[Phase, Mapping[type[Transition], Phase]] = {
    Phase.WAITING: {Started: Phase.STARTING, Failed: Phase.FAILED, StopRequested: Phase.STOPPED},
    Phase.STARTING: {Succeeded: Phase.UP, Failed: Phase.FAILED, StopRequested: Phase.STOPPING},
    Phase.UP: {Failed: Phase.FAILED, StopRequested: Phase.STOPPING},
    Phase.STOPPING: {Succeeded: Phase.STOPPING, Failed: Phase.FAILED, Exited: Phase.STOPPED},
    Phase.FAILED: {StartRequested: Phase.WAITING},
    Phase.STOPPED: {StartRequested: Phase.WAITING},
}


def next_phase(phase: Phase, move: Transition) -> Phase:
    """Return the phase after ``move``; a move the table does not know changes nothing."""
    return LIFECYCLE[phase].get(type(move), phase)
