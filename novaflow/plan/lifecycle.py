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
class WasDone:
    """A step is done, or a service answers."""

    node: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A step gave up, or a service died or never answered."""

    node: str
    why: str


@dataclass(frozen=True, slots=True)
class StopAsked:
    """The plan asked the node to stop, or will never start it."""

    node: str


@dataclass(frozen=True, slots=True)
class StartAsked:
    """Somebody wants the service again that is down."""

    node: str


@dataclass(frozen=True, slots=True)
class Gone:
    """Nothing of the node runs any more."""

    node: str


Fact = WasDone | Failed | Gone
Move = Started | StopAsked | StartAsked | Fact

LIFECYCLE: Mapping[Phase, Mapping[type[Move], Phase]] = {
    Phase.WAITING: {Started: Phase.STARTING, Failed: Phase.FAILED, StopAsked: Phase.STOPPED},
    Phase.STARTING: {WasDone: Phase.UP, Failed: Phase.FAILED, StopAsked: Phase.STOPPING},
    Phase.UP: {Failed: Phase.FAILED, StopAsked: Phase.STOPPING},
    Phase.STOPPING: {WasDone: Phase.STOPPING, Failed: Phase.FAILED, Gone: Phase.STOPPED},
    Phase.FAILED: {StartAsked: Phase.WAITING},
    Phase.STOPPED: {StartAsked: Phase.WAITING},
}


def next_phase(phase: Phase, move: Move) -> Phase:
    """Return the phase after ``move``; a move the table does not know changes nothing."""
    return LIFECYCLE[phase].get(type(move), phase)
