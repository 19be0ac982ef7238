"""Publishes the state of a stack as its services change."""

from collections.abc import Callable

from novaflow.engine.engine import Outcome
from novaflow.events.types import Event, ServiceChanged, ServiceState, StackChanged, StackState
from novaflow.runtime.live_status import LiveStatus


class StackStatePublisher:
    """Publishes each change of the stack's state; ``publish`` has to update ``status``."""

    def __init__(self, stack_name: str, status: LiveStatus, publish: Callable[[Event], None]) -> None:
        self._stack_name, self._status, self._publish_event = stack_name, status, publish

    def publish_starting(self) -> None:
        """Publish that the start has begun."""
        self._publish(StackState.STARTING, "start requested")

    def publish_up(self, took_s: float) -> None:
        """Publish that the start is over: every node is up or, in a run that was continued, a service has failed."""
        if failed := self._status.failed:
            self._publish(StackState.DEGRADED, f"failed: {', '.join(failed)}", round(took_s, 3))
        else:
            self._publish(StackState.READY, "the last step is done and every service is ready", round(took_s, 3))

    def update(self, changed: ServiceChanged) -> None:
        """Publish that the stack is degraded, or ready again, if the change of a service makes it so."""
        state = self._status.state
        if state not in {StackState.READY, StackState.DEGRADED}:
            return
        if loss := _describe_loss(changed):
            self._publish(StackState.DEGRADED, loss)
        elif state is StackState.READY and changed.state in {ServiceState.EXITED, ServiceState.UNREADY}:
            self._publish(StackState.DEGRADED, f"{changed.name} is not ready: {changed.reason}")
        elif state is StackState.DEGRADED and self._status.all_ready:
            self._publish(StackState.READY, "every service is ready again")

    def publish_stopping(self, reason: str) -> bool:
        """Publish that the stop has begun; return whether this is the first request to stop."""
        if self._status.state is StackState.STOPPING:
            return False
        self._publish(StackState.STOPPING, reason)
        return True

    def publish_end(self, outcome: Outcome, left: str | None = None) -> None:
        """Publish whether the stack was stopped or has failed; ``left`` says what could not be stopped or removed."""
        end = "everything was stopped" if left is None else f"not everything was stopped: {left}"
        if self._status.state is not StackState.STOPPING:
            self._publish(StackState.FAILED, f"failed: {', '.join(outcome.failures)}; {end}")
        elif left is None:
            self._publish(StackState.STOPPED, f"{end}, as requested")
        else:
            self._publish(StackState.FAILED, end)

    def _publish(self, state: StackState, reason: str, duration_s: float | None = None) -> None:
        self._publish_event(StackChanged(name=self._stack_name, state=state, reason=reason, duration_s=duration_s))


def _describe_loss(changed: ServiceChanged) -> str | None:
    """Return in one line how a service went down; ``None`` if it did not."""
    first_line = changed.reason.partition("\n")[0]
    match changed.state:
        case ServiceState.STOPPED:
            return f"{changed.name} {first_line}"
        case ServiceState.FAILED:
            return f"{changed.name} failed: {first_line}"
        case _:
            return None
