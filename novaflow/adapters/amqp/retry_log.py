"""Logging for work that is retried: an error that repeats is logged once."""

from structlog.typing import FilteringBoundLogger


class RetryLog:
    """Logs each reason once until ``reset``."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._reported: set[str] = set()

    def report(self, event: str, reason: str, advice: str = "", **facts: object) -> None:
        """Log the event: as a warning if there is advice for the user, for information otherwise."""
        if reason in self._reported:
            return
        self._reported.add(reason)
        if advice:
            self._log.warning(event, reason=reason, advice=advice, **facts)
        else:
            self._log.info(event, reason=reason, **facts)

    def reset(self) -> None:
        """Log every reason again: the work has made progress."""
        self._reported.clear()
