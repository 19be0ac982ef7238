"""`supervise`: holds one stack's services until it is told to stop; `run` starts it, nobody types it."""

import math
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import click
import psutil
import structlog

from novaflow.adapters.control.server import ControlHandlers, serving
from novaflow.adapters.process.context import SYSTEM_PATH
from novaflow.adapters.process.hooks import Hooks
from novaflow.adapters.process.process_ownership import ProcessOwner, end_processes
from novaflow.adapters.process.subreaper import become_subreaper, reap_orphans
from novaflow.adapters.storage.lock import StackLock
from novaflow.engine.bus import EventBus
from novaflow.engine.engine import Engine, Outcome
from novaflow.errors import UsageError
from novaflow.events.record import EventRecord
from novaflow.events.types import ServiceChanged, ServiceState, StackChanged, StackState, StepChanged
from novaflow.logs import log_to
from novaflow.model.status import StackStatus
from novaflow.plan.plan import ServiceCommand
from novaflow.runtime.broker import open_publisher
from novaflow.runtime.cleanup import clean_up
from novaflow.runtime.notification_bridge import forward_notifications
from novaflow.runtime.orchestrator import Orchestrator, new_run_id, open_orchestrator
from novaflow.runtime.reload import reload_changed
from novaflow.runtime.stack import Stack, stack_arguments
from novaflow.runtime.status_report import Note, describe_status
from novaflow.settings import CoreSettings

log = structlog.get_logger()

LAST_EVENTS_S = 3.0  # for the last events to reach a broker that is not the stack's own


@click.command("supervise", hidden=True)
@click.option("--lock", type=int, required=True)
@click.option("--watch", is_flag=True)
@stack_arguments
def command(*, stack: Stack, lock: int, watch: bool) -> None:
    """Hold the stack's services until told to stop."""
    log_to(sys.stderr, as_json=True)
    StackLock.inherited(lock, "run")
    become_subreaper()
    anyio.run(Supervisor(stack, watch=watch).live)


class Supervisor:
    """One stack's life, from starting to stopped; when it ends, nothing of the stack runs."""

    def __init__(self, stack: Stack, *, watch: bool) -> None:
        self._stack, self._watch = stack, watch
        self._status = StackStatus(stack.name)
        self._publisher = open_publisher(stack)
        self._hooks = open_hooks(stack)
        self._notes: dict[str, Note] = {}  # by the running step's name
        # Commands of the user's own that are due; a stack is ready or fails a few times in its life, not thousands.
        self._due, self._calls = anyio.create_memory_object_stream[tuple[EventRecord, str]](math.inf)

    async def live(self) -> None:
        """Bring the stack up, hold it until told to stop, and end it."""
        self._publisher.start()
        try:
            async with open_orchestrator(self._stack, [self._take], self._note, self._publisher.drain) as orchestrator:
                await self._run(orchestrator)
                if self._publisher.publish_status.broker == "up":
                    await self._publisher.drain(LAST_EVENTS_S)
        finally:
            await anyio.to_thread.run_sync(self._publisher.stop, LAST_EVENTS_S)
            await end_processes(psutil.Process().children(recursive=True), grace_s=1)

    async def _run(self, orchestrator: Orchestrator) -> None:
        bus = orchestrator.bus(run_id := new_run_id())

        def say(state: StackState, reason: str, duration_s: float | None = None) -> None:
            bus.publish(StackChanged(name=self._stack.name, state=state, reason=reason, duration_s=duration_s))

        is_up = anyio.Event()

        def say_ready(took_s: float) -> None:
            is_up.set()
            say(StackState.READY, "the last step is done and every service answers", round(took_s, 3))

        def weigh(changed: ServiceChanged) -> None:
            if self._status.state not in {StackState.READY, StackState.DEGRADED}:
                return
            if loss := _describe_loss(changed):
                say(StackState.DEGRADED, loss)
            elif self._status.state is StackState.DEGRADED and self._status.all_ready:
                say(StackState.READY, "every service answers again")

        def stop(reason: str) -> None:
            if self._status.state is not StackState.STOPPING:
                say(StackState.STOPPING, reason)
                engine.stop(reason)

        async def handle(command: ServiceCommand, name: str) -> Mapping[str, Any]:
            services = self._stack.find_services(name)
            failures = await engine.apply_service_command(command, services, f"{command} of {name} was asked for")
            return {"failures": {service: error.describe() for service, error in failures.items()}}

        engine = orchestrator.engine("run", run_id, on_up=say_ready, on_service=weigh)
        say(StackState.STARTING, "asked to run")
        async with anyio.create_task_group() as calls:
            calls.start_soon(self._answer_calls, bus)
            async with anyio.create_task_group() as helper:
                helper.start_soon(_stop_on_signals, stop)
                helper.start_soon(reap_orphans)
                helper.start_soon(forward_notifications, orchestrator, bus.publish)
                helper.start_soon(self._watch_tree, engine, is_up)
                answers = ControlHandlers(self._answer, self._measure, stop, _Beside(orchestrator).run, handle)
                async with serving(self._stack.paths.control, answers):
                    outcome = await engine.run()
                    await clean_up(orchestrator)
                say(*_ending(outcome, self._status))
                helper.cancel_scope.cancel()
            self._due.close()

    async def _answer_calls(self, bus: EventBus) -> None:
        """Run the user's commands one after the other, and tell how each ended."""
        async for record, command in self._calls:
            bus.publish(await self._hooks.run(record, command))

    async def _watch_tree(self, engine: Engine, is_up: anyio.Event) -> None:
        if self._watch:
            await reload_changed(engine, self._stack.paths, is_up)

    def _take(self, record: EventRecord) -> None:
        is_back = self._status.state is StackState.DEGRADED  # if it is ready now, and its hook has run
        self._status = self._status.apply(record)
        self._publisher.wake()
        if isinstance(record.event, StepChanged):
            self._notes.pop(record.event.name, None)
        if (command := self._hooks.command_for(record)) and not is_back:
            self._due.send_nowait((record, command))

    def _note(self, node: str, text: str, fraction: float | None) -> None:
        """Keep how far a running step is, for whoever asks."""
        self._notes[node] = Note(text, fraction)

    def _answer(self) -> Mapping[str, Any]:
        return describe_status(self._status, self._stack.urls(), self._publisher.publish_status, self._notes)

    def _measure(self) -> bytes:
        """Return the status as Prometheus reads it.

        Raises: UsageError, if what it takes is not installed.
        """
        try:
            from novaflow.adapters.telemetry.metrics import render_metrics  # noqa: PLC0415 - an extra, and for few
        except ImportError as error:
            raise UsageError("metrics take an extra: install novaflow[telemetry]") from error
        return render_metrics(self._answer())


class _Beside:
    """Conducts workflows beside the one that is up, one of a name at a time."""

    def __init__(self, orchestrator: Orchestrator) -> None:
        self._conductor = orchestrator
        self._locks: dict[str, anyio.Lock] = {}

    async def run(self, name: str) -> Mapping[str, Any]:
        """Run that workflow and return what failed and why."""
        async with self._locks.setdefault(name, anyio.Lock()):
            outcome = await self._conductor.run(name)
        return {"failures": {node: error.describe() for node, error in outcome.failures.items()}}


def open_hooks(stack: Stack) -> Hooks:
    """Return the user's commands, by the state of the stack that calls for them."""
    chosen = {
        StackState.READY: stack.settings.of(CoreSettings).novaflow_on_ready,
        StackState.FAILED: stack.settings.of(CoreSettings).novaflow_on_failed,
    }
    commands = {state: command for state, command in chosen.items() if command}
    env = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", "HOME": str(Path.home())}
    return Hooks(commands, ProcessOwner(stack.paths, "hook"), env, stack.paths.root, stack.paths.log / "hook.log")


def _describe_loss(changed: ServiceChanged) -> str | None:
    """Return how a service went down, in one line; ``None`` if it did not."""
    first_line = changed.reason.partition("\n")[0]
    match changed.state:
        case ServiceState.STOPPED:
            return f"{changed.name} {first_line}"
        case ServiceState.FAILED:
            return f"{changed.name} failed: {first_line}"
        case _:
            return None


def _ending(outcome: Outcome, status: StackStatus) -> tuple[StackState, str]:
    if status.state is StackState.STOPPING:
        return StackState.STOPPED, "everything was stopped, as asked"
    return StackState.FAILED, f"failed: {', '.join(outcome.failures)}; everything was stopped"


async def _stop_on_signals(stop: Callable[[str], None]) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            stop(f"asked to stop by {number.name}")
