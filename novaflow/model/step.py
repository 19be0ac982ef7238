"""A step: work that ends."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from novaflow.model.context import Context
from novaflow.model.settings import Settings


@dataclass(frozen=True, slots=True)
class Skipped:
    """What a step's body returns when it looked and found nothing to do."""

    reason: str


Body = Callable[[Context], Awaitable[Skipped | str | None]]


class ConcurrencyPool(StrEnum):
    """What a step uses up, so that only so many run at once."""

    FREE = "free"  # nothing scarce
    APT = "apt"  # dpkg takes one transaction at a time
    CPU = "cpu"  # as many as cores
    NET = "net"  # downloads


def always(_: Settings) -> bool:
    """Be part of the workflow whatever the settings say."""
    return True


EVERYTHING = "*"  # a need: all nodes of the workflow that do not say so themselves


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done and over.

    ``needs`` and ``after`` name nodes, or components as a whole, or ``EVERYTHING``; ``after`` counts only where the other
    is part of the workflow.
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
        """Return the first line of the body's docstring: what an operator reads."""
        return (inspect.getdoc(self.body) or "").partition("\n")[0]


def step(
    *,
    within_s: float,
    needs: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
    pool: ConcurrencyPool = ConcurrencyPool.FREE,
    when: Callable[[Settings], bool] = always,
) -> Callable[[Body], Step]:
    """Turn an async function into a step named like it; registers nothing.

    Raises: TypeError, if the function has no docstring: operators read its first line.
    """

    def wrap(body: Body) -> Step:
        name = getattr(body, "__name__", "")
        if not inspect.getdoc(body):
            message = f"step {name} has no docstring; its first line is what operators read"
            raise TypeError(message)
        return Step(name.strip("_").replace("_", "-"), body, within_s, needs, after, pool, when)

    return wrap
