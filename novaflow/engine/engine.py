"""Asks the plan what comes next, does it, and tells."""

import math
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import anyio

from novaflow.engine.ports import Bus, Program, Runner
from novaflow.errors import NotReady, NovaflowError, ServiceExited, StepFailed
from novaflow.events.types import ServiceChanged, ServiceState, StepChanged, StepState, WorkflowChanged, WorkflowState
from novaflow.model.service import Service
from novaflow.model.step import Skipped, Step
from novaflow.plan.graph import Node
from novaflow.plan.lifecycle import Exited, Fact, Failed, Phase, Succeeded
from novaflow.plan.plan import DOWN, Action, AllUp, Finish, MarkFailed, MarkUnready, Plan, Recheck, ServiceCommand, Start, Stop

if TYPE_CHECKING:
    from anyio.abc import TaskGroup
    from anyio.streams.memory import MemoryObjectSendStream


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one execution ended; ``failures`` maps the nodes that failed by themselves to the error, in order."""

    cancelled: str | None = None
    failures: dict[str, NovaflowError] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return not self.failures and self.cancelled is None


class Engine:
    """One execution of one plan.

    ``on_up`` is called once, when every node is up; ``on_service`` with each change of a service, after it was told.
    ``processor_s`` returns the processor seconds used so far by everything the runner started.
    """

    def __init__(  # noqa: PLR0913 - two of them are listeners, and optional
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
        self._stops: dict[str, str] = {}
        self._failures: dict[str, NovaflowError] = {}
        self._askers: dict[str, Callable[[], object]] = {}  # by the service that is asked again, in the task that runs it
        self._changed = anyio.Event()  # set, and another one put in its place, after each fact
        self._cancelled: str | None = None
        self._was_up = False
        self._began_s = self._processor_began_s = math.nan
        # A fact is sent once a node has changed, and nodes change no faster than programs start: unbounded is bounded.
        self._facts_in: MemoryObjectSendStream[Fact | str]
        self._facts_in, self._facts = anyio.create_memory_object_stream(math.inf)
        self._tasks: TaskGroup  # as long as `conduct` runs, which is when nodes start

    @property
    def services(self) -> frozenset[str]:
        """Return the names of the nodes that stay up."""
        return frozenset(name for name, node in self._nodes.items() if node.is_service)

    def stop(self, reason: str) -> None:
        """Ask for an orderly end; ``run`` returns when it is reached, and after that nothing happens."""
        with suppress(anyio.ClosedResourceError):
            self._facts_in.send_nowait(reason)

    async def apply_service_command(self, command: ServiceCommand, names: Collection[str], reason: str) -> Mapping[str, NovaflowError]:
        """Start, stop or restart services while the others go on; return, when all of them are at rest, which are not up and why.

        Raises: UsageError, if not everything has been up yet, everything is about to stop, or one of them needs what is down.
        """
        self._perform(self._plan.apply_service_command(command, names, reason))
        while not all(self._plan.phases[name] in {Phase.UP, *DOWN} for name in names):
            await self._changed.wait()
        if command is ServiceCommand.STOP:
            return {}
        down = (name for name in names if self._plan.phases[name] is not Phase.UP)
        return {name: self._failures.get(name) or StepFailed(f"{name} was stopped") for name in down}

    async def run(self) -> Outcome:
        """Run the plan to its end, and return how it ended; nothing is left running."""
        self._began_s, self._processor_began_s = anyio.current_time(), self._processor_s()
        self._bus.publish(WorkflowChanged(name=self._workflow, state=WorkflowState.STARTED, reason=f"{len(self._nodes)} nodes to bring up"))
        async with self._facts, self._facts_in, anyio.create_task_group() as self._tasks:
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
        outcome = Outcome(None if self._was_up else self._cancelled, self._failures)
        if not self._was_up:
            self._publish_end(outcome)
        return outcome

    def _perform(self, actions: tuple[Action, ...]) -> bool:
        """Do what the plan wants and return whether it is finished."""
        for action in actions:
            match action:
                case Start(name, reason):
                    if name in self._scopes:
                        self._failures.pop(name, None)
                        self._publish(self._nodes[name], ServiceState.RESTARTED, reason)
                    self._scopes[name] = anyio.CancelScope()
                    self._tasks.start_soon(self._run_node, self._nodes[name], reason)
                case Stop(name, reason):
                    self._stops[name] = reason
                    self._scopes[name].cancel()
                case MarkFailed(name, reason):
                    self._publish(self._nodes[name], "failed", reason)
                case MarkUnready(name, reason):
                    self._publish(self._nodes[name], ServiceState.UNREADY, reason)
                case Recheck(name):
                    self._askers[name]()
                case AllUp():
                    self._was_up = True
                    self._publish_end(Outcome())
                    self._on_up(anyio.current_time() - self._began_s)
        return Finish() in actions

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
                    await self._serve(node, node.part, began_s)
                else:
                    await self._do(node, node.part, reason, began_s)
            except NovaflowError as error:
                self._fail(node, error, anyio.current_time() - began_s)
                return
        if self._scopes[node.name].cancelled_caught:
            state = ServiceState.STOPPED if node.is_service else StepState.FAILED
            self._publish(node, state, f"stopped: {self._stops[node.name]}", duration_s=anyio.current_time() - began_s)
        # Also after a step that is done: it may have ended just when it was asked to stop.
        self._facts_in.send_nowait(Exited(node.name))

    async def _do(self, node: Node, step: Step, reason: str, began_s: float) -> None:
        self._publish(node, StepState.STARTED, reason)
        answer = await self._runner.do(node, step)
        took_s = anyio.current_time() - began_s
        if isinstance(answer, Skipped):
            self._publish(node, StepState.SKIPPED, answer.reason, duration_s=took_s)
        else:
            self._publish(node, StepState.SUCCEEDED, answer or "done", duration_s=took_s)
        self._facts_in.send_nowait(Succeeded(node.name))

    async def _serve(self, node: Node, service: Service, began_s: float) -> None:
        async with self._runner.running(node, service) as program:
            self._publish(node, ServiceState.STARTED, f"process {program.pid} runs", pid=program.pid)
            answer = await program.wait_ready()
            self._publish(node, ServiceState.READY, answer, pid=program.pid, duration_s=anyio.current_time() - began_s)
            self._facts_in.send_nowait(Succeeded(node.name))
            async with anyio.create_task_group() as askers:
                self._askers[node.name] = partial(askers.start_soon, self._ask_again, node, program)
                exited = await program.wait_exit()
                askers.cancel_scope.cancel()
            self._publish(node, ServiceState.EXITED, str(exited), pid=program.pid, duration_s=anyio.current_time() - began_s)
        raise exited

    async def _ask_again(self, node: Node, program: Program) -> None:
        with suppress(ServiceExited):  # whoever runs it sees that too
            try:
                self._publish(node, ServiceState.READY, await program.wait_ready())
            except NotReady as error:
                self._publish(node, ServiceState.UNREADY, str(error))

    def _fail(self, node: Node, error: NovaflowError, took_s: float) -> None:
        self._failures[node.name] = error
        self._publish(node, "failed", str(error), duration_s=took_s)
        self._facts_in.send_nowait(Failed(node.name, str(error)))

    def _publish(self, node: Node, state: str, reason: str, *, duration_s: float | None = None, pid: int | None = None) -> None:
        took_s = None if duration_s is None else round(duration_s, 3)
        if isinstance(node.part, Service):
            changed = ServiceChanged(
                name=node.name,
                state=ServiceState(state),
                workflow=self._workflow,
                component=node.component,
                reason=reason,
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
                    duration_s=took_s,
                )
            )
