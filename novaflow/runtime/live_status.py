"""The status of a running stack, kept up to date by its supervisor."""

from collections.abc import Mapping, Sequence
from typing import Any

from novaflow.adapters.amqp import Publisher
from novaflow.events.record import EventRecord
from novaflow.events.types import ServiceState, StackState, StepChanged
from novaflow.model.status import StackStatus
from novaflow.runtime.stack import Stack
from novaflow.runtime.status_report import StepProgress, describe_status


class LiveStatus:
    """The status as of the last event, the progress of running steps, and how many events are published."""

    def __init__(self, stack: Stack, publisher: Publisher) -> None:
        self._stack, self._publisher = stack, publisher
        self._status = StackStatus(stack.name)
        self._notes: dict[str, StepProgress] = {}  # by the name of the step

    @property
    def state(self) -> StackState:
        """Return the state of the stack."""
        return self._status.state

    @property
    def all_ready(self) -> bool:
        """Return whether every service is ready."""
        return self._status.all_ready

    @property
    def failed(self) -> Sequence[str]:
        """Return the services that have failed."""
        return [name for name, service in self._status.services.items() if service.state is ServiceState.FAILED]

    def apply(self, record: EventRecord) -> None:
        """Update the status with one event."""
        self._status = self._status.apply(record)
        if isinstance(record.event, StepChanged):
            self._notes.pop(record.event.name, None)

    def record_progress(self, node: str, text: str, fraction: float | None) -> None:
        """Record the progress of a running step."""
        self._notes[node] = StepProgress(text, fraction)

    def describe(self) -> Mapping[str, Any]:
        """Return the object that `status --json` prints."""
        return describe_status(self._status, self._stack.urls(), self._publisher.publish_status, self._notes)
