"""A supervisor of a toy stack that answers as a test says, on the real control socket."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio

from novaflow.adapters.control.server import serve_control
from novaflow.adapters.storage import StackLock
from novaflow.errors import UsageError
from novaflow.events.record import EventRecord
from novaflow.events.types import StepState, WorkflowChanged, WorkflowState
from novaflow.plan.commands import ServiceCommand
from tests.support.toy_stack import ToyStack, step_is

NO_STATUS = {"state": "ready", "since": "2026-11-22T09:12:00Z", "services": [], "notes": {}}


@dataclass
class RecordingDisplay:
    """A display that keeps what it is asked to show."""

    events: list[str] = field(default_factory=list)
    progress: list[tuple[str, str, float | None]] = field(default_factory=list)

    def show(self, record: EventRecord) -> None:
        """Keep name and state of the event."""
        self.events.append(f"{record.event.name} {record.event.state}")

    def show_progress(self, node: str, text: str, fraction: float | None) -> None:
        """Keep the progress."""
        self.progress.append((node, text, fraction))


@dataclass
class ScriptedSupervisor:
    """Handlers that return prepared answers, and keep the requests.

    ``failures`` is the answer to work; ``refusal`` is raised instead if it is set. Work publishes the events of one execution.
    """

    toy: ToyStack
    described: Mapping[str, Any] = field(default_factory=lambda: NO_STATUS)
    failures: Mapping[str, str] = field(default_factory=dict)
    refusal: UsageError | None = None
    later: Mapping[str, Any] | None = None  # the status after the first command for a service
    requests: list[str] = field(default_factory=list)
    stopped: anyio.Event = field(default_factory=anyio.Event)
    pause_s: float = 0.0

    def status(self) -> Mapping[str, Any]:
        """Return the prepared status."""
        return self.described

    def metrics(self) -> bytes:
        """Return no metrics."""
        return b""

    def stop(self, reason: str) -> None:
        """Keep the request, and end."""
        self.requests.append(reason)
        self.stopped.set()

    async def run_workflow(
        self,
        name: str,
        arguments: Mapping[str, str],
        disconnect: Callable[[], Awaitable[None]],  # noqa: ARG002 - its work ends by itself
    ) -> Mapping[str, str]:
        """Publish an execution of the workflow, and an event of another one, and return the prepared answer."""
        self.requests.append(" ".join(["run", name, *(f"{key}={value}" for key, value in arguments.items())]))
        if self.refusal:
            raise self.refusal
        workflow = (
            WorkflowChanged(name=name, state=state, reason="a reason") for state in (WorkflowState.STARTED, WorkflowState.SUCCEEDED)
        )
        self.toy.append(next(workflow), step_is("extra.body", StepState.STARTED), run_id="r2")
        self.toy.append(step_is("other.body", StepState.STARTED), run_id="r1")
        await anyio.sleep(self.pause_s)
        self.toy.append(next(workflow), run_id="r2")
        return self.failures

    async def execute_service_command(self, command: ServiceCommand, name: str) -> Mapping[str, str]:
        """Keep the request, and return the prepared answer."""
        self.described = self.later or self.described
        self.requests.append(f"{command} {name}")
        if self.refusal:
            raise self.refusal
        return self.failures


@asynccontextmanager
async def supervising(supervisor: ScriptedSupervisor) -> AsyncIterator[ScriptedSupervisor]:
    """Hold the lock and serve the control socket of the supervisor's stack during the block, or until a stop is requested."""
    toy = supervisor.toy
    toy.root.mkdir(exist_ok=True)
    lock = StackLock(toy.paths.lock, "run")

    async def serve(*, task_status: anyio.abc.TaskStatus[None]) -> None:
        async with serve_control(toy.paths.control, supervisor):
            task_status.started()
            await supervisor.stopped.wait()
        lock.release()

    async with anyio.create_task_group() as tasks:
        await tasks.start(serve)
        yield supervisor
        supervisor.stopped.set()
