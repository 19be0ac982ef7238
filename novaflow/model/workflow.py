"""A workflow: one thing that can be done with a stack."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from novaflow.model.paths import Paths

if TYPE_CHECKING:
    from novaflow.settings import Settings


def never(_: "Settings", __: Paths) -> str | None:
    """Say that there is always something to do."""
    return None


def no_broker(_: "Settings", __: Callable[[str], str]) -> str:
    """Name no broker: events stay in the journal."""
    return ""


@dataclass(frozen=True, slots=True)
class Workflow:
    """One thing that can be done with a stack: the parts of that name of every component.

    ``stays`` says whether its services are meant to outlive its last step; ``within_s`` how long the end of a stack waits
    for it, where that is part of it; ``already`` returns why there is nothing
    to do, ``None`` if there is; ``unmet`` what has to be done first, ``None`` if all was. ``broker`` makes the address
    that events go to from the settings and the stack's secrets, nothing if there is no broker.
    """

    name: str
    summary: str
    stays: bool = False
    within_s: float = 120
    already: "Callable[[Settings, Paths], str | None]" = never
    unmet: "Callable[[Settings, Paths], str | None]" = never
    broker: "Callable[[Settings, Callable[[str], str]], str]" = no_broker
