"""Which node starts or stops next: fed facts, answers actions; knows no clock, no files, no async."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from heapq import heappop, heappush

from novaflow.errors import UsageError
from novaflow.model.step import ConcurrencyPool
from novaflow.plan.graph import Graph
from novaflow.plan.lifecycle import Fact, Failed, Phase, Started, StartRequested, StopRequested, Succeeded, Transition, next_phase


@dataclass(frozen=True, slots=True)
class Start:
    """Send the node off."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Make the node end; it is stopped once ``Exited`` is fed."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class MarkFailed:
    """Tell that the node can never start: something it needs failed."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class MarkUnready:
    """Tell that a service that is up lacks one it needs."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recheck:
    """Ask a service that was in doubt whether it answers: what it lacked is back."""

    node: str


@dataclass(frozen=True, slots=True)
class AllUp:
    """Tell that every node is up."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Tell that nothing runs and nothing will."""


Action = Start | Stop | MarkFailed | MarkUnready | Recheck | AllUp | Finish


class ServiceCommand(StrEnum):
    """What somebody wants of a service while the others stay as they are."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"


DOWN = frozenset({Phase.FAILED, Phase.STOPPED})
_RUNNING = {Phase.STARTING, Phase.STOPPING}
_LACKING = {Phase.FAILED: "has failed", Phase.STOPPED: "is stopped", Phase.STOPPING: "is stopping"}


class Plan:
    """One execution of a graph, as a state machine.

    ``pools`` says how many nodes of a lane may start at once (a lane not named is unlimited); among those that could,
    the one with the longest path of ``durations_s`` behind it starts first. ``stays`` keeps services up until ``stop``.
    A failed node fails what needs it and nothing else; what does not need it goes on, and when nothing can, all is stopped.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        pools: Mapping[ConcurrencyPool, int] | None = None,
        durations_s: Mapping[str, float] | None = None,
        stays: bool = False,
    ) -> None:
        self._graph = graph
        self._pools = pools or {}
        self._remaining_s = graph.remaining_s(durations_s or {})
        self._stays = stays
        self._phases = dict.fromkeys(graph.nodes, Phase.WAITING)
        self._unmet = {name: set(node.needs) for name, node in graph.nodes.items()}
        self._in_pool: Counter[ConcurrencyPool] = Counter()
        self._startable: dict[ConcurrencyPool, list[tuple[float, str]]] = {pool: [] for pool in ConcurrencyPool}  # a heap each
        self._reasons: dict[str, str] = {}
        for name in graph.nodes:
            if not self._unmet[name]:
                self._queue(name, "needs nothing")
        self._unsettled = len(graph.nodes)
        self._was_up = False
        self._wanted_back: dict[str, str] = {}  # services that start again once they are down, and why
        self._doubted: set[str] = set()
        self._stopping: str | None = None
        self._finished = False

    @property
    def graph(self) -> Graph:
        """Return what is executed."""
        return self._graph

    @property
    def phases(self) -> Mapping[str, Phase]:
        """Return where each node is in its life."""
        return self._phases

    @property
    def failed(self) -> bool:
        """Return whether any node failed so far."""
        return Phase.FAILED in self._phases.values()

    def begin(self) -> tuple[Action, ...]:
        """Return what to do first."""
        return tuple(self._next())

    def apply(self, fact: Fact) -> tuple[Action, ...]:
        """Take note of what happened and return what to do now."""
        before = self._phases[fact.node]
        after = self._move(fact)
        if before is after:
            return ()
        actions: list[Action] = []
        if isinstance(fact, Succeeded):
            self._meet(fact.node)
        if isinstance(fact, Failed) and fact.node not in self._wanted_back:
            actions.extend(self._give_up_on(fact.node))
        if self._stopping is None:
            self._bring_back()
        actions.extend(self._next())
        if self._was_up and self._stopping is None:
            actions.extend(self._doubt())
        return tuple(actions)

    def apply_service_command(self, command: ServiceCommand, names: Collection[str], reason: str) -> tuple[Action, ...]:
        """Return how to start, stop or restart these services, and nothing else.

        Raises: UsageError, if not everything has been up yet, everything is about to stop, or one of them needs what is down.
        """
        if not self._was_up:
            raise UsageError("not everything has been up yet; wait until it is")
        if self._stopping is not None:
            raise UsageError(f"everything is about to stop: {self._stopping}")
        if command is not ServiceCommand.STOP:
            self._refuse_without_needs(names)
        actions: list[Action] = []
        for name in names:
            phase = self._phases[name]
            self._wanted_back.pop(name, None)
            if command is ServiceCommand.RESTART or (command is ServiceCommand.START and phase in DOWN | {Phase.STOPPING}):
                self._wanted_back[name] = reason
            if command is not ServiceCommand.START:
                self._move(StopRequested(name))
                actions.extend([Stop(name, reason)] if phase in {Phase.STARTING, Phase.UP} else [])
        self._bring_back()
        actions.extend(self._next())
        return tuple(actions)

    def stop(self, reason: str) -> tuple[Action, ...]:
        """Return how to end everything, in reverse order; a second call changes nothing."""
        if self._stopping is None:
            self._stopping = reason
            for name, phase in self._phases.items():
                if phase is Phase.WAITING:
                    self._move(StopRequested(name))
        return tuple(self._next())

    def _move(self, move: Transition) -> Phase:
        before = self._phases[move.node]
        after = self._phases[move.node] = next_phase(before, move)
        pool = self._graph.nodes[move.node].pool
        if after is not before:
            self._unsettled += (after in _RUNNING | {Phase.WAITING}) - (before in _RUNNING | {Phase.WAITING})
            self._in_pool[pool] += (after is Phase.STARTING) - (before is Phase.STARTING)
        return after

    def _next(self) -> Iterator[Action]:
        if self._stopping is None:
            yield from self._start_what_can()
        if self._stopping is None and self._unsettled == 0:
            yield from self._settle()
        if self._stopping is not None:
            yield from self._stop_what_can()

    def _refuse_without_needs(self, names: Collection[str]) -> None:
        for name in names:
            for need in sorted(self._graph.nodes[name].needs - {*names, *self._wanted_back}):
                if self._phases[need] in _LACKING:
                    raise UsageError(f"{name} needs {need}, which {_LACKING[self._phases[need]]}; start that first")

    def _bring_back(self) -> None:
        """Let what is down and wanted again start as soon as all it needs is up."""
        for name in [name for name in self._wanted_back if self._phases[name] in DOWN]:
            reason = self._wanted_back.pop(name)
            self._move(StartRequested(name))
            self._unmet[name] = {need for need in self._graph.nodes[name].needs if self._phases[need] is not Phase.UP}
            if not self._unmet[name]:
                self._queue(name, reason)

    def _doubt(self) -> Iterator[Action]:
        """Doubt each service that lacks one it needs, and ask it again when it lacks none."""
        up = self._services_up()
        self._doubted &= up
        for name in sorted(up):
            needs = self._graph.needed_by(name)
            lacking = sorted(need for need in needs if self._phases[need] in DOWN)
            if lacking and name not in self._doubted:
                self._doubted.add(name)
                yield MarkUnready(name, f"{lacking[0]}, which it needs, {_LACKING[self._phases[lacking[0]]]}")
            elif name in self._doubted and all(self._phases[need] is Phase.UP for need in needs):
                self._doubted.remove(name)
                yield Recheck(name)

    def _settle(self) -> Iterator[Action]:
        # Nothing starts and nothing will: say so once, then stay or leave.
        if not self.failed and not self._was_up:
            self._was_up = True
            yield AllUp()
        if not self._was_up:
            self._stopping = "something it runs beside failed"
        elif not self._stays:
            self._stopping = "the workflow is done"

    def _start_what_can(self) -> Iterator[Action]:
        while open_lanes := [waiting for pool, waiting in self._startable.items() if waiting and self._has_room(pool)]:
            _, name = heappop(min(open_lanes))
            # One whose need died after all was met has been given up since.
            if self._phases[name] is Phase.WAITING:
                self._move(Started(name))
                yield Start(name, self._reasons.pop(name))

    def _has_room(self, pool: ConcurrencyPool) -> bool:
        return self._in_pool[pool] < self._pools.get(pool, len(self._phases))

    def _meet(self, need: str) -> None:
        for name in self._graph.dependents[need]:
            self._unmet[name].discard(need)
            if not self._unmet[name] and self._phases[name] is Phase.WAITING:
                self._queue(name, f"{need} is up")

    def _queue(self, name: str, reason: str) -> None:
        self._reasons[name] = reason
        # By the longest path behind it, then by name, so that two runs decide alike.
        heappush(self._startable[self._graph.nodes[name].pool], (-self._remaining_s[name], name))

    def _give_up_on(self, failed: str) -> Iterator[Action]:
        # Without recursion, since a graph may be deep.
        causes = [failed]
        for cause in causes:
            for name in sorted(self._graph.dependents[cause]):
                if self._phases[name] is Phase.WAITING:
                    reason = f"{cause}, which it needs, failed"
                    self._move(Failed(name, reason))
                    yield MarkFailed(name, reason)
                    causes.append(name)

    def _stop_what_can(self) -> Iterator[Action]:
        reason = self._stopping or ""
        for name in self._stoppable():
            self._move(StopRequested(name))
            yield Stop(name, reason)
        if not self._finished and self._unsettled == 0 and not self._services_up():
            self._finished = True
            yield Finish()

    def _services_up(self) -> set[str]:
        return {name for name, phase in self._phases.items() if phase is Phase.UP and self._graph.nodes[name].is_service}

    def _stoppable(self) -> tuple[str, ...]:
        """Return running steps at once, and each service once nothing that runs depends on it, however indirectly."""
        alive = self._services_up() | {name for name, phase in self._phases.items() if phase in _RUNNING}
        free = alive - self._graph.needed_by(*alive)
        return tuple(name for name in self._graph.nodes if name in free and self._phases[name] is not Phase.STOPPING)
