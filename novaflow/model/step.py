"""A step: work that ends."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from novaflow.model.context import Context
from novaflow.model.settings import Settings


@dataclass(frozen=True, slots=True)
class Skipped:
    """The result of a step that had nothing to do."""

    reason: str


Body = Callable[[Context], Awaitable[Skipped | str | None]]


class ConcurrencyPool(StrEnum):
    """A resource that limits how many steps run at once."""

    FREE = "free"  # unlimited
    APT = "apt"  # dpkg locks its database
    CPU = "cpu"  # one step a core
    NET = "net"  # downloads


def always(_: Settings) -> bool:
    """Return ``True``: the part does not depend on settings."""
    return True


EVERYTHING = "*"  # as a need: every node of the workflow that does not need everything itself


@dataclass(frozen=True, slots=True)
class Step:
    """Work that ends, within ``within_s``.

    ``needs`` and ``after`` are names of nodes, names of components, which stand for all their nodes, or ``EVERYTHING``. A need
    must exist; ``after`` counts only where the other node is part of the workflow.
    """

    name: str
    body: Body
    within_s: float
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    pool: ConcurrencyPool = ConcurrencyPool.FREE
    when: Callable[[Settings], bool] = always

    @property
    def summary(self) -> str:
        """Return the first line of the body's docstring, which operators read."""
        return (inspect.getdoc(self.body) or "").partition("\n")[0]


def step(
    *,
    within_s: float,
    needs: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
    pool: ConcurrencyPool = ConcurrencyPool.FREE,
    when: Callable[[Settings], bool] = always,
) -> Callable[[Body], Step]:
    """Turn an async function into a step of the same name.

    Raises: TypeError, if the function has no docstring.
    """

    def wrap(body: Body) -> Step:
        name = getattr(body, "__name__", "")
        if not inspect.getdoc(body):
            message = f"step {name} has no docstring; operators read its first line"
            raise TypeError(message)
        return Step(name.strip("_").replace("_", "-"), body, within_s, needs, after, pool, when)

    return wrap
