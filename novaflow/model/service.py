"""A service: a program that stays up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.probe import Probe
from novaflow.model.settings import Settings
from novaflow.model.step import Body, ConcurrencyPool, Step, always


@dataclass(frozen=True, slots=True)
class Service:
    """A program that stays up; ``before_stop`` runs while it still answers, ``command`` may write what the program reads."""

    name: str
    summary: str
    command: Callable[[Context], tuple[str | Path, ...]]
    ready: Probe
    within_s: float = 60
    grace_s: float = 5
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    port: int | None = None
    env: Callable[[Context], Mapping[str, str]] | None = None
    before_stop: Body | None = None
    when: Callable[[Settings], bool] = always
    pool: ConcurrencyPool = ConcurrencyPool.FREE


Part = Step | Service
