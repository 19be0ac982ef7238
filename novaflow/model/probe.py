"""How readiness is asked for: each probe is a value, and adapters know how to ask it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from novaflow.model.context import Context


class NotYet(Exception):
    """What a probe raises while the service is not ready; the message is the answer it got."""


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """Ready when ``GET path`` on the service's port answers with one of ``statuses``."""

    port: int
    path: str = "/"
    statuses: tuple[int, ...] = (200, 300)  # 300 is how OpenStack's version documents answer


@dataclass(frozen=True, slots=True)
class AskProbe:
    """Ready when ``ask`` returns; its text says what was answered, ``NotYet`` what is missing.

    ``asks`` says the same in a few words for drawings and help.
    """

    ask: Callable[["Context"], Awaitable[str]]
    asks: str


Probe = HttpProbe | AskProbe


@dataclass(frozen=True, slots=True)
class Backoff:
    """How patiently something is asked again; all times in seconds."""

    first_s: float = 0.005  # a local port costs 0.1 ms to ask: early on, be eager
    most_s: float = 0.5
    factor: float = 1.5

    def pause_before(self, attempt: int) -> float:
        """Return the pause before ``attempt``, which counts from 1; bounded before it can overflow."""
        pause_s = self.first_s
        for _ in range(attempt - 1):
            pause_s *= self.factor
            if pause_s >= self.most_s:
                return self.most_s
        return min(self.most_s, pause_s)
