"""Performs the actions of a plan and publishes every change of state."""

import math
import random
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import NoReturn

import anyio
import structlog
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectSendStream

from novaflow.engine.monitor import ServiceMonitor
from novaflow.engine.ports import Bus, Program, Runner
from novaflow.errors import NovaflowError, StepFailed
from novaflow.events.types import ServiceChanged, ServiceState, StepChanged, StepState, WorkflowChanged, WorkflowState
from novaflow.model.service import Service
from novaflow.model.step import Skipped, Step
from novaflow.plan.actions import Action, AllUp, Finish, MarkFailed, MarkStopped, MarkUnready, Recheck, Start, Stop
from novaflow.plan.commands import ServiceCommand
from novaflow.plan.graph import Node
from novaflow.plan.lifecycle import Crashed, Exited, Fact, Failed, Phase, ReadinessChanged, RestartDue, Succeeded
from novaflow.plan.plan import DOWN, Plan
from novaflow.plan.restarts import RestartHistory

log = structlog.get_logger(__name__)

MAX_REASON = 300  # characters; what is longer goes to the log tail


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one execution; ``failures`` maps nodes to their errors in order, without nodes that failed because of a need."""

    cancelled: str | None = None
    failures: dict[str, NovaflowError] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return not self.failures and self.cancelled is None


class Engine:
    """One execution of one plan.

    ``on_up`` is called once with the seconds since the start, when every node is up; ``on_service`` is called with each change
    of a service after it was published. ``processor_s`` returns the processor time that the runner's processes have used.
    In a run that is continued, services are restarted by their policy from the beginning.
    """

    def __init__(  # noqa: PLR0913 - three are optional callbacks
        self,
        plan: Plan,
        runner: Runner,
        bus: Bus,
        *,
        on_up: Callable[[float], None] = lambda _: None,
        on_service: Callable[[ServiceChanged], None] = lambda _: None,
        processor_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._workflow, self._nodes = plan.graph.workflow, plan.graph.nodes
        self._plan, self._runner, self._bus = plan, runner, bus
        self._on_up, self._on_service, self._processor_s = on_up, on_service, processor_s
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._stop_reasons: dict[str, str] = {}
        self._failures: dict[str, NovaflowError] = {}
        self._errors: dict[str, NovaflowError] = {}  # the last one of each node, also of a service that will be restarted
        self._monitors: dict[str, ServiceMonitor] = {}  # of the services that are or were ready
        # Of the services that have been ready since the last start by command, or were ready before the run was continued.
        parts = {name: node.part for name, node in self._nodes.items() if plan.is_continued}
        self._restarts = {name: RestartHistory(part.restart) for name, part in parts.items() if isinstance(part, Service)}
        self._changed = anyio.Event()  # set and replaced after each fact
        self._cancelled: str | None = None
        self._all_up = False
        self._began_s = self._processor_began_s = math.nan
        # Unbounded: a fact follows a change of a node, and nodes change no faster than programs start.
        self._send_facts: MemoryObjectSendStream[Fact | str]
        self._send_facts, self._facts = anyio.create_memory_object_stream(math.inf)
        self._tasks: TaskGroup  # set while `run` runs

    @property
    def services(self) -> frozenset[str]:
        """Return the names of the services."""
        return frozenset(name for name, node in self._nodes.items() if node.is_service)

    def stop(self, reason: str) -> None:
        """Request a stop of everything in reverse order; ``run`` returns when it is complete."""
        with suppress(anyio.ClosedResourceError):
            self._send_facts.send_nowait(reason)

    async def apply_service_command(self, command: ServiceCommand, names: Collection[str], reason: str) -> Mapping[str, NovaflowError]:
        """Start, stop or restart services while the others run; return, when all are up or down, the errors of those that failed.

        Raises: UsageError, before every node has been up, while everything stops, or if a service needs one that is down.
        """
        changed = [name for name in names if command is not ServiceCommand.START or self._plan.phases[name] is not Phase.UP]
        actions = self._plan.apply_service_command(command, names, reason)
        for name in changed:
            self._restarts.pop(name, None)  # a start by command that fails is reported at once, as the first start is
        self._perform(actions)
        while not all(self._plan.phases[name] in {Phase.UP, Phase.BACKOFF, *DOWN} for name in names):
            await self._changed.wait()
        if command is ServiceCommand.STOP:
            return {}
        down = (name for name in names if self._plan.phases[name] is not Phase.UP)
        return {name: self._errors.get(name) or StepFailed(f"{name} was stopped") for name in down}

    async def run(self) -> Outcome:
        """Execute the plan to its end; afterwards nothing of it runs."""
        self._began_s, self._processor_began_s = anyio.current_time(), self._processor_s()
        started = WorkflowChanged(name=self._workflow, state=WorkflowState.STARTED, reason=f"{len(self._nodes)} nodes to start")
        self._bus.publish(started)
        for name in self._plan.done:
            self._publish(self._nodes[name], StepState.SKIPPED, "done before the supervisor was replaced")
        async with self._facts, self._send_facts, anyio.create_task_group() as self._tasks:
            finished = self._perform(self._plan.begin())
            while not finished:
                match await self._facts.receive():
                    case str(reason):
                        self._cancelled = self._cancelled or reason
                        finished = self._perform(self._plan.stop(reason))
                    case fact:
                        finished = self._perform(self._plan.apply(fact))
                self._changed.set()
                self._changed = anyio.Event()
            self._tasks.cancel_scope.cancel()  # restarts that are due later
        outcome = Outcome(None if self._all_up else self._cancelled, self._failures)
        if not self._all_up:
            self._publish_end(outcome)
        return outcome

    def _perform(self, actions: tuple[Action, ...]) -> bool:
        """Perform the actions and return whether the execution is finished."""
        for action in actions:
            match action:
                case Start(name, reason):
                    self._start(self._nodes[name], reason)
                case Stop(name, reason):
                    self._stop_reasons[name] = reason
                    self._scopes[name].cancel()
                case MarkFailed(name, reason):
                    self._publish(self._nodes[name], "failed", reason)
                case MarkStopped(name, reason):
                    self._publish(self._nodes[name], ServiceState.STOPPED, f"stopped: {reason}")
                case MarkUnready(name, reason):
                    self._monitors[name].mark_unready(reason)
                case Recheck(name):
                    self._monitors[name].recheck()
                case AllUp():
                    self._all_up = True
                    self._publish_end(Outcome(failures=self._failures))
                    self._on_up(anyio.current_time() - self._began_s)
        return Finish() in actions

    def _start(self, node: Node, reason: str) -> None:
        if node.name in self._scopes:
            self._failures.pop(node.name, None)
            self._errors.pop(node.name, None)
            self._publish(node, ServiceState.RESTARTED, reason)
        self._scopes[node.name] = anyio.CancelScope()
        self._tasks.start_soon(self._run_node, node, reason)

    def _publish_end(self, outcome: Outcome) -> None:
        took_s = round(anyio.current_time() - self._began_s, 3)
        state, reason = WorkflowState.SUCCEEDED, "every node is up"
        if outcome.failures:
            state, reason = WorkflowState.FAILED, f"failed: {', '.join(outcome.failures)}"
        elif outcome.cancelled is not None:
            state, reason = WorkflowState.CANCELLED, outcome.cancelled
        used_s = round(self._processor_s() - self._processor_began_s, 3)
        failed = tuple(outcome.failures)
        self._bus.publish(
            WorkflowChanged(name=self._workflow, state=state, reason=reason, duration_s=took_s, processor_s=used_s, failed=failed)
        )

    async def _run_node(self, node: Node, reason: str) -> None:
        began_s = anyio.current_time()
        with self._scopes[node.name]:
            try:
                if isinstance(node.part, Service):
                    await self._run_service(node, node.part, began_s)
                else:
                    await self._run_step(node, node.part, reason, began_s)
            except NovaflowError as error:
                self._end(node, error, anyio.current_time() - began_s)
                return
        if self._scopes[node.name].cancelled_caught:
            state = ServiceState.STOPPED if node.is_service else StepState.FAILED
            self._publish(node, state, f"stopped: {self._stop_reasons[node.name]}", duration_s=anyio.current_time() - began_s)
        # Also for a step that succeeded: it may have done so just when it was cancelled.
        self._send_facts.send_nowait(Exited(node.name))

    async def _run_step(self, node: Node, step: Step, reason: str, began_s: float) -> None:
        self._publish(node, StepState.STARTED, reason)
        answer = await self._runner.run_step(node, step)
        took_s = anyio.current_time() - began_s
        if isinstance(answer, Skipped):
            self._publish(node, StepState.SKIPPED, answer.reason, duration_s=took_s)
        else:
            self._publish(node, StepState.SUCCEEDED, answer or "done", duration_s=took_s)
        self._send_facts.send_nowait(Succeeded(node.name))

    async def _run_service(self, node: Node, service: Service, began_s: float) -> None:
        async with self._runner.run_service(node, service) as program:
            if program.adopted:
                self._publish(node, ServiceState.ADOPTED, f"process {program.pid} was already running", pid=program.pid)
            else:
                self._publish(node, ServiceState.STARTED, f"started process {program.pid}", pid=program.pid)
            try:
                await self._watch(node, service, program, began_s)
            except NovaflowError as error:
                if node.name in self._restarts:
                    self._publish(node, ServiceState.EXITED, error, pid=program.pid, duration_s=anyio.current_time() - began_s)
                raise

    async def _watch(self, node: Node, service: Service, program: Program, began_s: float) -> NoReturn:
        """Watch the service until it ends.

        Raises: ServiceExited; NotReady, if it does not become ready; ServiceUnresponsive; NovaflowError, after a defect.
        """
        answer = await program.wait_ready()
        self._publish(node, ServiceState.READY, answer, pid=program.pid, duration_s=anyio.current_time() - began_s)
        publish, needs_are_up = partial(self._publish_readiness, node, program.pid), partial(self._plan.needs_are_up, node.name)
        monitor = self._monitors[node.name] = ServiceMonitor(service, program, publish, needs_are_up)
        self._restarts.setdefault(node.name, RestartHistory(service.restart))
        self._send_facts.send_nowait(Succeeded(node.name))
        try:
            end = await monitor.wait_end()
        except Exception as error:  # a defect in the monitor of one service must not end the others
            log.exception("service.monitor_failed", service=node.name)
            raise NovaflowError(f"the monitor of {node.name} failed; the traceback is in the supervisor's log") from error
        raise end

    def _publish_readiness(self, node: Node, pid: int, state: ServiceState, cause: str | NovaflowError) -> None:
        self._publish(node, state, cause, pid=pid)
        self._send_facts.send_nowait(ReadinessChanged(node.name, ready=state is ServiceState.READY))

    def _end(self, node: Node, error: NovaflowError, took_s: float) -> None:
        """Restart a service that has been ready since a command started it, as its policy allows; otherwise the node has failed."""
        self._errors[node.name] = error
        history = self._restarts.get(node.name)
        pause_s = history.plan_restart(anyio.current_time(), random.random()) if history else None  # noqa: S311 - spreads load
        if history is None or pause_s is None:
            self._fail(node, error, took_s)
            return
        reason, _ = _split(error)
        self._send_facts.send_nowait(Crashed(node.name, reason))
        self._tasks.start_soon(self._restart_later, node.name, pause_s, f"restart {history.count} after {reason}")

    async def _restart_later(self, name: str, pause_s: float, reason: str) -> None:
        await anyio.sleep(pause_s)
        self._send_facts.send_nowait(RestartDue(name, reason))

    def _fail(self, node: Node, error: NovaflowError, took_s: float) -> None:
        self._failures[node.name] = error
        self._publish(node, "failed", error, duration_s=took_s)
        self._send_facts.send_nowait(Failed(node.name, str(error)))

    def _publish(
        self, node: Node, state: str, cause: str | NovaflowError, *, duration_s: float | None = None, pid: int | None = None
    ) -> None:
        took_s = None if duration_s is None else round(duration_s, 3)
        reason, log_tail = _split(cause)
        if isinstance(node.part, Service):
            changed = ServiceChanged(
                name=node.name,
                state=ServiceState(state),
                workflow=self._workflow,
                component=node.component,
                reason=reason,
                log_tail=log_tail,
                duration_s=took_s,
                pid=pid,
                port=node.part.port,
            )
            self._bus.publish(changed)
            self._on_service(changed)
        else:
            self._bus.publish(
                StepChanged(
                    name=node.name,
                    state=StepState(state),
                    workflow=self._workflow,
                    component=node.component,
                    reason=reason,
                    log_tail=log_tail,
                    duration_s=took_s,
                )
            )


def _split(cause: str | NovaflowError) -> tuple[str, str | None]:
    """Return the first line as the reason and the other lines as the log tail; ``None`` if there are none."""
    text = cause.describe() if isinstance(cause, NovaflowError) else cause
    reason, _, log_tail = text.partition("\n")
    if len(reason) > MAX_REASON:
        return f"{reason[: MAX_REASON - 1]}…", text
    return reason, log_tail or None
