"""Counts the restarts of each service and decides about the next one; knows no clock."""

from collections import deque

from novaflow.model.restart import RestartPolicy


class RestartHistory:
    """The restarts of one service within the window of its policy."""

    def __init__(self, policy: RestartPolicy) -> None:
        self._policy = policy
        self._restarts: deque[float] = deque()  # when, in seconds of any monotonic clock

    @property
    def count(self) -> int:
        """Return the number of restarts within the window, as of the last call of ``plan_restart``."""
        return len(self._restarts)

    def plan_restart(self, now_s: float, random_fraction: float) -> float | None:
        """Return the seconds until the service is to be restarted; ``None`` if its budget is used up.

        ``random_fraction`` is a random number from 0 to 1.
        """
        while self._restarts and self._restarts[0] <= now_s - self._policy.window_s:
            self._restarts.popleft()
        if len(self._restarts) >= self._policy.budget:
            return None
        pause_s = self._policy.pause_s(len(self._restarts), random_fraction)
        self._restarts.append(now_s)
        return pause_s
