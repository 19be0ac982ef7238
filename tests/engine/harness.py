"""An engine with a runner and a bus that a test controls."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from novaflow.engine.engine import Engine
from novaflow.errors import MachineError, NotReady, NovaflowError, ServiceExited, StepFailed
from novaflow.events.types import Event, ServiceChanged
from novaflow.model.service import Service
from novaflow.model.step import Skipped, Step
from novaflow.plan.graph import Graph, Node
from novaflow.plan.plan import Plan

WITHIN_S = 10  # every wait ends in milliseconds; longer is a hang


class FakeBus:
    """Keeps events, and wakes the tasks that wait for one."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._published = anyio.Event()

    def publish(self, event: Event) -> None:
        """Keep the event."""
        self.events.append(event)
        self._published.set()
        self._published = anyio.Event()

    @property
    def lines(self) -> list[str]:
        """Return the name and state of each event."""
        return [f"{event.name} {event.state}" for event in self.events]

    def reason(self, line: str) -> str:
        """Return the reason of the last event with this name and state."""
        return next(event.reason for event in reversed(self.events) if f"{event.name} {event.state}" == line)

    async def wait_published(self, line: str, *, times: int = 1) -> None:
        """Wait until an event with this name and state was published as often as ``times``."""
        while self.lines.count(line) < times:
            await self._published.wait()


@dataclass
class FakeProgram:
    """A service that becomes ready and exits when a test says so."""

    name: str
    pid: int = 4711
    answers: anyio.Event = field(default_factory=anyio.Event)
    ends: anyio.Event = field(default_factory=anyio.Event)
    refusal: NovaflowError | None = None
    log_tail: str = ""
    adopted: bool = False
    suspended: bool = False
    unresponsive: bool = False
    defect: Exception | None = None  # raised when it ends
    looks: int = 0  # how often the engine asked whether it is suspended

    @property
    def exited(self) -> ServiceExited:
        """Return how it exits."""
        return ServiceExited(self.name, 7, self.log_tail)

    async def wait_ready(self) -> str:
        """Wait until the test sets ``answers`` or ``ends``."""
        if self.refusal:
            raise self.refusal
        exited_early = False

        async def watch_exit() -> None:
            nonlocal exited_early
            await self.ends.wait()
            exited_early = True
            waiting.cancel_scope.cancel()

        async with anyio.create_task_group() as waiting:
            waiting.start_soon(watch_exit)
            await self.answers.wait()
            waiting.cancel_scope.cancel()
        if exited_early:
            raise self.exited
        return "answered"

    async def check(self, timeout_s: float) -> str:
        """Answer as the test demands."""
        if self.unresponsive:
            raise NotReady(self.name, timeout_s, "no answer")
        return "answered a check"

    def is_suspended(self) -> bool:
        """Return what the test demands."""
        self.looks += 1
        return self.suspended

    async def wait_exit(self) -> ServiceExited:
        """Wait until the test sets ``ends``."""
        await self.ends.wait()
        if self.defect:
            raise self.defect
        return self.exited


class FakeRunner:
    """Runs no programs; ``running_now`` names the nodes that have started and not ended.

    ``holds`` names the nodes that wait for the test: a step before it ends, a service before it is ready.
    """

    def __init__(
        self,
        *,
        holds: Collection[str] = (),
        breaks: Collection[str] = (),
        skips: Collection[str] = (),
        answers: Mapping[str, str] | None = None,
        adopts: Collection[str] = (),
    ) -> None:
        self.running_now: set[str] = set()
        self.gates: dict[str, anyio.Event] = defaultdict(anyio.Event)
        self.programs: dict[str, FakeProgram] = {}
        self.before_return: Callable[[str], None] = lambda _: None
        self.breaks = {*breaks}  # a test may change it
        self._holds, self._skips, self._answers, self._adopts = holds, skips, answers or {}, adopts

    async def run_step(self, node: Node, step: Step) -> Skipped | str | None:
        """Run the step as the test demands."""
        assert step is node.part
        self.running_now.add(node.name)
        try:
            if node.name in self._holds:
                await self.gates[node.name].wait()
        finally:
            self.running_now.discard(node.name)
        if node.name in self.breaks:
            raise StepFailed(f"{node.name} failed")
        self.before_return(node.name)
        return Skipped("it was there already") if node.name in self._skips else self._answers.get(node.name)

    @asynccontextmanager
    async def run_service(self, node: Node, service: Service) -> AsyncIterator[FakeProgram]:
        """Run the service as the test demands."""
        assert service is node.part
        if node.name in self.breaks:
            raise MachineError(f"{node.name} cannot be started")
        program = self.programs[node.name] = FakeProgram(node.name, adopted=node.name in self._adopts)
        if node.name not in self._holds:
            program.answers.set()
        self.running_now.add(node.name)
        try:
            yield program
        finally:
            self.running_now.discard(node.name)


@dataclass
class Harness:
    """An engine and the objects around it that a test examines."""

    engine: Engine
    bus: FakeBus
    runner: FakeRunner
    ups: list[float] = field(default_factory=list)
    services: list[str] = field(default_factory=list)


def make_harness(graph: Graph, runner: FakeRunner, *, stays: bool = False, done: Collection[str] | None = None) -> Harness:
    """Return an engine for the graph on that runner."""
    bus, ups, services = FakeBus(), list[float](), list[str]()

    def note(changed: ServiceChanged) -> None:
        services.append(f"{changed.name} {changed.state}")

    engine = Engine(Plan(graph, stays=stays, done=done), runner, bus, on_up=ups.append, on_service=note)
    return Harness(engine, bus, runner, ups, services)
