"""When a service is checked while it runs, and when it is restarted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Liveness:
    """How a ready service is checked; all times in seconds.

    A service that does not answer within ``timeout_s`` is unready. After ``failures`` failed checks in a row it is stopped
    and restarted by its restart policy.
    """

    interval_s: float = 20  # with the timeout, less than the 30 s within which a hung service is reported
    timeout_s: float = 5
    failures: int = 3


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How often and after which pauses a service is restarted; all times in seconds.

    The pause grows by ``factor`` from ``first_s`` up to ``most_s`` and varies by the fraction ``jitter``, so that services
    that exited together do not start together. More than ``budget`` restarts within ``window_s`` are too many: the service
    has failed. A ``budget`` of 0 means that it is never restarted.
    """

    first_s: float = 0.2
    factor: float = 2.0
    most_s: float = 20.0
    jitter: float = 0.2
    budget: int = 6
    window_s: float = 600.0

    def pause_s(self, restarts: int, random_fraction: float) -> float:
        """Return the pause before the next restart.

        ``restarts`` counts those within the window; ``random_fraction`` is a random number from 0 to 1.
        """
        pause_s = min(self.most_s, self.first_s * self.factor ** min(restarts, 32))
        return pause_s * (1 + self.jitter * (2 * random_fraction - 1))


DEFAULT_LIVENESS = Liveness()
DEFAULT_RESTART = RestartPolicy()
