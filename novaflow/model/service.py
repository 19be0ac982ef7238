"""A service: a program that runs until it is stopped."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.probe import Probe
from novaflow.model.restart import DEFAULT_LIVENESS, DEFAULT_RESTART, Liveness, RestartPolicy
from novaflow.model.settings import Settings
from novaflow.model.step import Body, ConcurrencyPool, Step, always


@dataclass(frozen=True, slots=True)
class Service:
    """A program that runs until it is stopped.

    ``command`` returns its argv and may write files that the program reads. ``ready`` is its readiness probe; ``alive`` checks
    it while it runs, where ``ready`` is too expensive for that. It must be ready within ``within_s`` and gets ``grace_s`` to
    exit after SIGTERM; ``before_start`` runs before its program starts, ``before_stop`` before SIGTERM. ``needs`` and ``after``
    are those of a step. After a restart of a service in ``restart_with`` it is restarted too: it cannot recover by itself.
    ``fork_server`` names the service that starts its program, while that service runs; see ``fork_socket``.
    """

    name: str
    summary: str
    command: Callable[[Context], tuple[str | Path, ...]]
    ready: Probe
    alive: Probe | None = None
    within_s: float = 60
    grace_s: float = 5
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    restart_with: tuple[str, ...] = ()
    port: int | None = None
    env: Callable[[Context], Mapping[str, str]] | None = None
    before_start: Body | None = None
    before_stop: Body | None = None
    when: Callable[[Settings], bool] = always
    liveness: Liveness = DEFAULT_LIVENESS
    restart: RestartPolicy = DEFAULT_RESTART
    pool: ConcurrencyPool = ConcurrencyPool.FREE
    fork_server: str | None = None


def fork_socket(paths: Paths, name: str) -> Path:
    """Return the Unix socket on which the fork server of that name listens.

    A fork server imports modules once and forks the programs that use them: importing costs more than all else of their start.
    """
    return paths.run / f"{name}.sock"


Part = Step | Service
