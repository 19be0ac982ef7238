"""Readiness probes as values, and the backoff between attempts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from novaflow.model.context import Context


class NotYet(Exception):
    """A probe's answer while the service is not ready; the message is the answer."""


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """Ready when ``GET path`` on the service's port answers with one of ``statuses``."""

    port: int
    path: str = "/"
    statuses: tuple[int, ...] = (200, 300)  # 300 is the answer of an API that lists its versions


@dataclass(frozen=True, slots=True)
class FunctionProbe:
    """Ready when ``check`` returns; its text is the answer, and it raises ``NotYet`` while the service is not ready.

    ``description`` says in a few words what is checked, for drawings and help.
    """

    check: Callable[["Context"], Awaitable[str]]
    description: str


Probe = HttpProbe | FunctionProbe


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts, growing by ``factor`` from ``first_s`` to ``most_s``."""

    first_s: float = 0.005  # an attempt on a local port costs 0.1 ms
    most_s: float = 0.5
    factor: float = 1.5

    def pause_before(self, attempt: int) -> float:
        """Return the pause before ``attempt`` in seconds; the first attempt is 1."""
        pause_s = self.first_s
        for _ in range(attempt - 1):
            pause_s *= self.factor
            if pause_s >= self.most_s:
                return self.most_s
        return min(self.most_s, pause_s)
