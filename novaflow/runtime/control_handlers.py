"""What the supervisor does for each request on its control socket."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio

from novaflow.engine.engine import Engine
from novaflow.errors import NovaflowError, UsageError
from novaflow.plan.commands import ServiceCommand
from novaflow.runtime.live_status import LiveStatus
from novaflow.runtime.orchestrator import Orchestrator, new_run_id


class SupervisorHandlers:
    """The ``ControlHandlers`` of a supervisor."""

    def __init__(self, orchestrator: Orchestrator, engine: Engine, status: LiveStatus, stop: Callable[[str], None]) -> None:
        self._orchestrator, self._engine, self._status, self._stop = orchestrator, engine, status, stop
        self._locks: dict[str, anyio.Lock] = {}  # by workflow: one execution at a time

    def status(self) -> Mapping[str, Any]:
        """Return the stack's status."""
        return self._status.describe()

    def metrics(self) -> bytes:
        """Return the stack's status as metrics.

        Raises: UsageError, if the required packages are not installed.
        """
        try:
            from novaflow.adapters.telemetry.metrics import render_metrics  # noqa: PLC0415 - an optional dependency
        except ImportError as error:
            raise UsageError("metrics require an extra: install novaflow[telemetry]") from error
        return render_metrics(self.status())

    def stop(self, reason: str) -> None:
        """Begin an orderly stop of the stack."""
        self._stop(reason)

    async def run_workflow(self, name: str, arguments: Mapping[str, str], disconnect: Callable[[], Awaitable[None]]) -> Mapping[str, str]:
        """Run a workflow while the services keep running, and return each failed node's error.

        ``disconnect`` returns when the client has disconnected, and so does not wait for the result any more.

        Raises: UsageError, if it may not run then, or if there is no such workflow.
        """
        workflow = self._orchestrator.stack.workflow(name)
        if not workflow.while_up:
            raise UsageError(f"workflow {name!r} cannot run while the stack is up")
        async with self._locks.setdefault(name, anyio.Lock()), anyio.create_task_group() as tasks:
            engine = self._orchestrator.with_arguments(arguments).engine(name, new_run_id())
            if workflow.stops_with_request:
                tasks.start_soon(_stop_after, disconnect, engine)
            outcome = await engine.run()
            tasks.cancel_scope.cancel()
        return _describe_failures(outcome.failures)

    async def execute_service_command(self, command: ServiceCommand, name: str) -> Mapping[str, str]:
        """Start, stop or restart the services called ``name``, and return each failed service's error."""
        services = self._orchestrator.stack.find_services(name)
        return _describe_failures(await self._engine.apply_service_command(command, services, f"{command} of {name} was requested"))


async def _stop_after(disconnect: Callable[[], Awaitable[None]], engine: Engine) -> None:
    await disconnect()
    engine.stop("the command was interrupted")


def _describe_failures(failures: Mapping[str, NovaflowError]) -> Mapping[str, str]:
    return {node: error.describe() for node, error in failures.items()}
