"""The scheduler as a pure state machine: facts in, actions out."""

from collections.abc import Collection, Iterator, Mapping

from novaflow.errors import UsageError
from novaflow.model.service import Service
from novaflow.model.step import ConcurrencyPool
from novaflow.plan.actions import Action, AllUp, Finish, MarkFailed, MarkStopped, MarkUnready, Recheck, Start, Stop
from novaflow.plan.commands import DOWN_TEXTS, ServiceCommand, require_needs
from novaflow.plan.graph import Graph
from novaflow.plan.lifecycle import (
    Crashed,
    Fact,
    Failed,
    Phase,
    ReadinessChanged,
    RestartDue,
    Started,
    StartRequested,
    StopRequested,
    Succeeded,
    Transition,
    next_phase,
)
from novaflow.plan.start_queue import StartQueue

DOWN = frozenset({Phase.FAILED, Phase.STOPPED})
_RUNNING = {Phase.STARTING, Phase.STOPPING}
_STARTED = {Phase.STARTING, Phase.UP}
_RESTARTING = {Phase.WAITING, Phase.BACKOFF}  # or waiting for the first start
_CHANGING = _RUNNING | _RESTARTING


class Plan:
    """One execution of a graph.

    ``pools`` and ``durations_s`` decide about the order of starts: see ``StartQueue``. With ``stays``, services run until
    ``stop``. A failed node fails its dependents only; when nothing can start any more, everything is stopped.

    ``done`` are the steps of a run that is continued, because its supervisor has crashed: they do not run again. If all steps
    are, a service that fails does not stop the others.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        pools: Mapping[ConcurrencyPool, int] | None = None,
        durations_s: Mapping[str, float] | None = None,
        stays: bool = False,
        done: Collection[str] | None = None,
    ) -> None:
        self._graph = graph
        self._queue = StartQueue(graph, pools or {}, durations_s or {})
        self._stays = stays
        self.is_continued = done is not None
        self.done = tuple(name for name, node in graph.nodes.items() if name in (done or ()) and not node.is_service)
        self._phases = {name: Phase.UP if name in self.done else Phase.WAITING for name in graph.nodes}
        self._dependents = {name: {*dependents} for name, dependents in graph.dependents.items()}  # grows with each restart
        self._unmet = {name: self._find_unmet(name) for name in graph.nodes}
        for name, phase in self._phases.items():
            if phase is Phase.WAITING and not self._unmet[name]:
                self._queue.add(name, "needs nothing")
        self._unsettled = len(graph.nodes) - len(self.done)  # nodes that wait, start or stop
        self._all_up = False
        self._requested: dict[str, str] = {}  # services to start once they are down, with the reason
        self._marked_unready: set[str] = set()  # since a need is down
        self._unready: set[str] = set()  # services that are up and do not answer, for this reason or another
        self._stopping: str | None = None
        self._finished = False

    @property
    def graph(self) -> Graph:
        """Return the graph that is executed."""
        return self._graph

    @property
    def phases(self) -> Mapping[str, Phase]:
        """Return the phase of each node."""
        return self._phases

    @property
    def failed(self) -> bool:
        """Return whether a node has failed."""
        return Phase.FAILED in self._phases.values()

    def needs_are_up(self, name: str) -> bool:
        """Return whether everything that the node needs, directly or indirectly, is up."""
        return all(self._phases[need] is Phase.UP for need in self._graph.transitive_needs(name))

    def begin(self) -> tuple[Action, ...]:
        """Return the first actions."""
        return tuple(self._next())

    def apply(self, fact: Fact) -> tuple[Action, ...]:
        """Record a fact and return the actions that follow from it."""
        if isinstance(fact, ReadinessChanged):
            return self._record_readiness(fact)
        before = self._phases[fact.node]
        if self._transition(fact) is before:
            return ()
        actions: list[Action] = []
        if isinstance(fact, Crashed) and self._phases[fact.node] is Phase.STOPPED and self._stopping is None:
            actions.append(MarkStopped(fact.node, fact.reason))
        if isinstance(fact, Succeeded):
            self._unready.discard(fact.node)
            self._satisfy(fact.node)
            actions.extend(self._restart_followers(fact.node))
        if isinstance(fact, Failed) and fact.node not in self._requested:
            actions.extend(self._fail_dependents(fact.node))
        if self._stopping is not None and self._phases[fact.node] is Phase.BACKOFF:
            self._transition(StopRequested(fact.node))
        if isinstance(fact, RestartDue):
            self._enqueue_if_possible(fact.node, fact.reason)
        if self._stopping is None:
            self._start_requested()
        actions.extend(self._next())
        if self._all_up and self._stopping is None:
            actions.extend(self._update_readiness())
        return tuple(actions)

    def _record_readiness(self, change: ReadinessChanged) -> tuple[Action, ...]:
        if not change.ready:
            self._unready.add(change.node)
            return ()
        self._unready.discard(change.node)
        if self._phases[change.node] is Phase.UP:
            self._satisfy(change.node)
        return tuple(self._next())

    def apply_service_command(self, command: ServiceCommand, names: Collection[str], reason: str) -> tuple[Action, ...]:
        """Return the actions that start, stop or restart these services and no others.

        Raises: UsageError, before every node has been up, while everything stops, or if a service needs one that is down.
        """
        if not self._all_up:
            raise UsageError("the stack is still starting; wait until it is ready")
        if self._stopping is not None:
            raise UsageError(f"the stack is stopping: {self._stopping}")
        if command is not ServiceCommand.STOP:
            require_needs(self._graph, self._phases, names, self._requested)
        actions: list[Action] = []
        for name in names:
            phase = self._phases[name]
            self._requested.pop(name, None)
            if command is ServiceCommand.RESTART or (command is ServiceCommand.START and phase in DOWN | {Phase.STOPPING, Phase.BACKOFF}):
                self._requested[name] = reason
            if command is not ServiceCommand.START:
                self._transition(StopRequested(name))
                if phase in _STARTED:
                    actions.append(Stop(name, reason))
                elif phase in _RESTARTING and name not in self._requested:
                    actions.append(MarkStopped(name, reason))
        self._start_requested()
        actions.extend(self._next())
        return tuple(actions)

    def stop(self, reason: str) -> tuple[Action, ...]:
        """Return the actions that stop everything in reverse order; a second call changes nothing."""
        if self._stopping is None:
            self._stopping = reason
            for name, phase in self._phases.items():
                if phase in _RESTARTING:
                    self._transition(StopRequested(name))
        return tuple(self._next())

    def _transition(self, transition: Transition) -> Phase:
        before = self._phases[transition.node]
        after = self._phases[transition.node] = next_phase(before, transition)
        if after is not before:
            self._unsettled += (after in _CHANGING) - (before in _CHANGING)
            self._queue.count_starting(transition.node, (after is Phase.STARTING) - (before is Phase.STARTING))
        return after

    def _next(self) -> Iterator[Action]:
        if self._stopping is None:
            yield from self._start_nodes()
        if self._stopping is None and self._unsettled == 0:
            yield from self._settle()
        if self._stopping is not None:
            yield from self._stop_nodes()

    def _start_requested(self) -> None:
        """Let each requested service that is down start as soon as all its needs are up."""
        for name in [name for name in self._requested if self._phases[name] in DOWN | {Phase.BACKOFF}]:
            reason = self._requested.pop(name)
            self._transition(StartRequested(name))
            self._enqueue_if_possible(name, reason)

    def _enqueue_if_possible(self, name: str, reason: str) -> None:
        """Enqueue a node that starts again, or let it wait for the needs that cannot be used, also the indirect ones."""
        needs = self._graph.transitive_needs(name)
        self._unmet[name] = {need for need in needs if self._phases[need] is not Phase.UP or need in self._unready}
        for need in self._unmet[name]:
            self._dependents[need].add(name)
        if not self._unmet[name]:
            self._queue.add(name, reason)

    def _restart_followers(self, name: str) -> Iterator[Action]:
        """Restart the services that cannot recover from the restart of this one."""
        if not self._all_up or self._stopping is not None:
            return
        for follower, node in self._graph.nodes.items():
            if isinstance(node.part, Service) and name in node.part.restart_with and self._phases[follower] in _STARTED:
                reason = f"{name} was restarted"
                self._requested[follower] = reason
                self._transition(StopRequested(follower))
                yield Stop(follower, reason)

    def _update_readiness(self) -> Iterator[Action]:
        """Mark services unready whose needs are down, and recheck those whose needs are all up again."""
        running = self._running_services()
        self._marked_unready &= running
        for name in sorted(running):
            needs = self._graph.transitive_needs(name)
            down = sorted(need for need in needs if self._phases[need] in DOWN | {Phase.BACKOFF})
            if down and name not in self._marked_unready:
                self._marked_unready.add(name)
                yield MarkUnready(name, f"{down[0]}, which it needs, {DOWN_TEXTS[self._phases[down[0]]]}")
            elif name in self._marked_unready and all(self._phases[need] is Phase.UP for need in needs):
                self._marked_unready.remove(name)
                yield Recheck(name)

    def _settle(self) -> Iterator[Action]:
        # Nothing runs but services, and nothing more will start: publish it once, then stay or stop.
        if not self._all_up and (not self.failed or (self.is_continued and self._all_steps_up())):
            self._all_up = True  # in a run that is continued the services that run are kept
            yield AllUp()
        if not self._all_up:
            self._stopping = "another node failed"
        elif not self._stays:
            self._stopping = "the workflow is done"

    def _all_steps_up(self) -> bool:
        return all(phase is Phase.UP or self._graph.nodes[name].is_service for name, phase in self._phases.items())

    def _find_unmet(self, name: str) -> set[str]:
        """Return the needs that a node waits for at first: of steps that are done, what these need."""
        if not self.done:
            return set(self._graph.nodes[name].needs)
        unmet = {*self._graph.transitive_needs(name)} - {*self.done}
        for need in unmet:
            self._dependents[need].add(name)
        return unmet

    def _start_nodes(self) -> Iterator[Action]:
        while entry := self._queue.pop():
            name, reason = entry
            # A node that was enqueued has failed since then if one of its needs has failed.
            if self._phases[name] is Phase.WAITING:
                self._transition(Started(name))
                yield Start(name, reason)

    def _satisfy(self, need: str) -> None:
        for name in self._waiting_for(need):
            if self._unmet[name] == {need}:
                self._queue.add(name, f"{need} is up")
            self._unmet[name].discard(need)

    def _waiting_for(self, need: str) -> list[str]:
        return [name for name in self._dependents[need] if self._phases[name] is Phase.WAITING]

    def _fail_dependents(self, failed: str) -> Iterator[Action]:
        # Without recursion: a graph may be deeper than Python's stack.
        causes = [failed]
        for cause in causes:
            for name in sorted(self._waiting_for(cause)):
                reason = f"{cause}, which it needs, failed"
                self._transition(Failed(name, reason))
                yield MarkFailed(name, reason)
                causes.append(name)

    def _stop_nodes(self) -> Iterator[Action]:
        reason = self._stopping or ""
        for name in self._stoppable():
            self._transition(StopRequested(name))
            yield Stop(name, reason)
        if not self._finished and self._unsettled == 0 and not self._running_services():
            self._finished = True
            yield Finish()

    def _running_services(self) -> set[str]:
        return {name for name, phase in self._phases.items() if phase is Phase.UP and self._graph.nodes[name].is_service}

    def _stoppable(self) -> tuple[str, ...]:
        """Return the running steps, and each service that no running node needs, directly or indirectly."""
        alive = self._running_services() | {name for name, phase in self._phases.items() if phase in _RUNNING}
        free = alive - self._graph.transitive_needs(*alive)
        return tuple(name for name in self._graph.nodes if name in free and self._phases[name] is not Phase.STOPPING)
