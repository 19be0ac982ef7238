"""A workflow: one thing that can be done with a stack."""

from collections.abc import Callable
from dataclasses import dataclass

from novaflow.model.component import Component, Secret
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings

Precondition = Callable[[Settings, Paths, tuple[Component, ...]], str | None]


def no_reason(_: Settings, __: Paths, ___: tuple[Component, ...]) -> str | None:
    """Return ``None``: there is no such reason."""
    return None


def not_before_run(_: Settings, __: Paths) -> bool:
    """Return ``False``: only its own command runs the workflow."""
    return False


def no_broker(_: Settings, __: Secret) -> str:
    """Return no address: events stay in the journal."""
    return ""


@dataclass(frozen=True, slots=True)
class Workflow:
    """One thing that can be done with a stack: the steps and services that components declare under its name.

    ``stays`` says whether its services run until they are stopped. ``within_s`` limits the workflow where it is part of
    stopping a stack. ``reason_done`` returns the reason why nothing has to be done, ``reason_not_ready`` what the user has to do
    before, and ``reason_unusable`` why the data of an earlier run cannot be used; each returns ``None`` otherwise. ``before_run``
    returns whether a start of the stack runs this workflow first. ``broker`` returns the address that events are published to; an
    empty one means none. ``while_up`` says whether it may run while the services of the stack do,
    and ``stops_with_request`` whether it then ends when the command that requested it is interrupted.
    """

    name: str
    summary: str
    stays: bool = False
    while_up: bool = False
    stops_with_request: bool = False
    within_s: float = 120
    reason_done: Precondition = no_reason
    reason_not_ready: Precondition = no_reason
    reason_unusable: Precondition = no_reason
    before_run: Callable[[Settings, Paths], bool] = not_before_run
    broker: Callable[[Settings, Secret], str] = no_broker
