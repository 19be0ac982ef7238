"""The actions that a plan returns and the engine performs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Start:
    """Start the node."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the node; the engine reports ``Exited`` when it is done."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class MarkFailed:
    """Publish that the node cannot start because a need failed."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class MarkStopped:
    """Publish that a service which did not run any more is stopped, and will not be restarted."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class MarkUnready:
    """Publish that a running service is not ready because a need is down."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recheck:
    """Probe an unready service again: all its needs are up again."""

    node: str


@dataclass(frozen=True, slots=True)
class AllUp:
    """Publish that every node is up."""


@dataclass(frozen=True, slots=True)
class Finish:
    """End the execution: nothing runs and nothing will start."""


Action = Start | Stop | MarkFailed | MarkStopped | MarkUnready | Recheck | AllUp | Finish
