"""A resource that a stack left on the machine."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from novaflow.model.context import Context


@dataclass(frozen=True, slots=True)
class OrphanedResource:
    """Something a stack left on the machine, of some kind, under some name; ``reason`` says what marks it as the stack's."""

    kind: str
    name: str
    reason: str


FindOrphans = Callable[[Context], Awaitable[Sequence[OrphanedResource]]]
