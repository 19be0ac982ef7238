"""A resource that a stack left on the machine."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from novaflow.model.context import Context


@dataclass(frozen=True, slots=True)
class OrphanedResource:
    """A resource that a stack left on the machine; ``reason`` names the mark that identifies it as the stack's."""

    kind: str
    name: str
    reason: str


FindOrphans = Callable[[Context], Awaitable[Sequence[OrphanedResource]]]
