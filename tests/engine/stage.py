"""An engine between a runner and a bus that do what a test tells them."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from novaflow.engine.engine import Engine
from novaflow.errors import MachineError, NovaflowError, ServiceExited, StepFailed
from novaflow.events.types import Event, ServiceChanged
from novaflow.model.service import Service
from novaflow.model.step import Skipped, Step
from novaflow.plan.graph import Graph, Node
from novaflow.plan.plan import Plan

WITHIN_S = 10  # nothing here waits for more than the other side; a hang is a failure


class ToyBus:
    """Remembers what it was told, and wakes whoever waits for it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._told = anyio.Event()

    def publish(self, event: Event) -> None:
        """Remember the event."""
        self.events.append(event)
        self._told.set()
        self._told = anyio.Event()

    @property
    def lines(self) -> list[str]:
        """Return each event's name and state."""
        return [f"{event.name} {event.state}" for event in self.events]

    def why(self, line: str) -> str:
        """Return the reason given with the last event of that name and state."""
        return next(event.reason for event in reversed(self.events) if f"{event.name} {event.state}" == line)

    async def wait_told(self, line: str, *, times: int = 1) -> None:
        """Wait until an event of that name and state was told so many times."""
        while self.lines.count(line) < times:
            await self._told.wait()


@dataclass
class ToyProgram:
    """A service that answers, and ends, when a test says so."""

    name: str
    pid: int = 4711
    answers: anyio.Event = field(default_factory=anyio.Event)
    ends: anyio.Event = field(default_factory=anyio.Event)
    refusal: NovaflowError | None = None

    @property
    def exited(self) -> ServiceExited:
        """Return how it ends."""
        return ServiceExited(self.name, 7, "")

    async def wait_ready(self) -> str:
        """Wait until the test lets it answer, or lets it die before."""
        if self.refusal:
            raise self.refusal
        died = False

        async def leave_if_gone() -> None:
            nonlocal died
            await self.ends.wait()
            died = True
            waiting.cancel_scope.cancel()

        async with anyio.create_task_group() as waiting:
            waiting.start_soon(leave_if_gone)
            await self.answers.wait()
            waiting.cancel_scope.cancel()
        if died:
            raise self.exited
        return "answered"

    async def wait_exit(self) -> ServiceExited:
        """Wait until the test lets it die."""
        await self.ends.wait()
        return self.exited


class ToyRunner:
    """Does steps and runs services in name only; ``running_now`` names what has begun and not ended.

    ``holds`` names what waits for the test: a step before it ends, a service before it answers.
    """

    def __init__(self, *, holds: Collection[str] = (), breaks: Collection[str] = (), skips: Collection[str] = ()) -> None:
        self.running_now: set[str] = set()
        self.gates: dict[str, anyio.Event] = defaultdict(anyio.Event)
        self.programs: dict[str, ToyProgram] = {}
        self.at_last_breath: Callable[[str], None] = lambda _: None
        self._holds, self._breaks, self._skips = holds, breaks, skips

    async def do(self, node: Node, step: Step) -> Skipped | str | None:
        """Do the step as the test wants it."""
        assert step is node.part
        self.running_now.add(node.name)
        try:
            if node.name in self._holds:
                await self.gates[node.name].wait()
        finally:
            self.running_now.discard(node.name)
        if node.name in self._breaks:
            raise StepFailed(f"{node.name} gave up")
        self.at_last_breath(node.name)
        return Skipped("it was there already") if node.name in self._skips else None

    @asynccontextmanager
    async def running(self, node: Node, service: Service) -> AsyncIterator[ToyProgram]:
        """Run the service as the test wants it."""
        assert service is node.part
        if node.name in self._breaks:
            raise MachineError(f"{node.name} cannot be started")
        program = self.programs[node.name] = ToyProgram(node.name)
        if node.name not in self._holds:
            program.answers.set()
        self.running_now.add(node.name)
        try:
            yield program
        finally:
            self.running_now.discard(node.name)


@dataclass
class Stage:
    """An engine, and everything around it that a test looks at."""

    engine: Engine
    bus: ToyBus
    runner: ToyRunner
    ups: list[float] = field(default_factory=list)
    services: list[str] = field(default_factory=list)


def set_stage(graph: Graph, runner: ToyRunner, *, stays: bool = False) -> Stage:
    """Return an engine for the graph, on that runner."""
    bus, ups, services = ToyBus(), list[float](), list[str]()

    def note(changed: ServiceChanged) -> None:
        services.append(f"{changed.name} {changed.state}")

    engine = Engine(Plan(graph, stays=stays), runner, bus, on_up=ups.append, on_service=note)
    return Stage(engine, bus, runner, ups, services)
