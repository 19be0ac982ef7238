"""The status of a stack, computed from its events."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from novaflow.events.record import EventRecord
from novaflow.events.types import ServiceChanged, ServiceState, StackChanged, StackState

_RUNNING = {ServiceState.STARTED, ServiceState.READY, ServiceState.UNREADY, ServiceState.ADOPTED}


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """The status of one service; ``ready_after_s`` counts from its start."""

    name: str
    component: str
    state: ServiceState
    reason: str
    pid: int | None = None
    port: int | None = None
    ready_after_s: float | None = None
    restarts: int = 0

    def apply(self, event: ServiceChanged) -> Self:
        """Return the status after one more event."""
        return replace(
            self,
            state=event.state,
            reason=event.reason,
            pid=event.pid or self.pid if event.state in _RUNNING else None,
            # A service that is ready after a recheck was not started again.
            ready_after_s=event.duration_s or self.ready_after_s if event.state is ServiceState.READY else self.ready_after_s,
            restarts=self.restarts + (event.state is ServiceState.RESTARTED),
        )

    def stopped(self, reason: str) -> Self:
        """Return the status after the stack has stopped."""
        if self.state in {ServiceState.STOPPED, ServiceState.FAILED}:
            return self
        return replace(self, state=ServiceState.STOPPED, reason=reason, pid=None)


@dataclass(frozen=True, slots=True)
class StackStatus:
    """The status of a stack; ``run_id``, ``services`` and ``ready_after_s`` are those of its latest run."""

    stack: str
    state: StackState = StackState.STOPPED
    reason: str = "never run"
    since: datetime | None = None
    run_id: str = ""
    ready_after_s: float | None = None
    services: Mapping[str, ServiceStatus] = field(default_factory=dict)

    @property
    def all_ready(self) -> bool:
        """Return whether every service is ready."""
        return all(service.state in {ServiceState.READY, ServiceState.ADOPTED} for service in self.services.values())

    def apply(self, record: EventRecord) -> Self:
        """Return the status after one more event."""
        match record.event:
            case StackChanged(state=StackState.STARTING, reason=reason):
                return type(self)(self.stack, StackState.STARTING, reason, record.time, record.run_id)
            case StackChanged(state=state, reason=reason, duration_s=duration_s):
                # A stack that is ready again keeps the duration of its start.
                ready_after_s = duration_s or self.ready_after_s if state is StackState.READY else self.ready_after_s
                services = self.services
                if state in {StackState.STOPPED, StackState.FAILED}:
                    # A service whose supervisor was killed has published no event of its own.
                    services = {name: service.stopped(reason) for name, service in services.items()}
                return replace(self, state=state, reason=reason, since=record.time, ready_after_s=ready_after_s, services=services)
            case ServiceChanged() as event if record.run_id == self.run_id:
                before = self.services.get(event.name) or ServiceStatus(
                    event.name, event.component, event.state, event.reason, port=event.port
                )
                return replace(self, services={**self.services, event.name: before.apply(event)})
            case _:
                return self


@dataclass(frozen=True, slots=True)
class Usage:
    """The resource use of a program; ``processor_percent`` of one core, ``memory_mib`` resident, where shared memory counts each time."""

    processor_percent: float
    memory_mib: float
