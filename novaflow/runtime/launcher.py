"""Starts a stack's supervisor and watches it bring the stack up."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from subprocess import Popen  # noqa: TID251 - for the type of what `start_detached` started
from typing import Protocol

import anyio

from novaflow.adapters.process.programs import start_detached
from novaflow.adapters.storage.files import read_last_lines
from novaflow.adapters.storage.journal import follow_journal, last_record, read_journal
from novaflow.adapters.storage.lock import StackLock
from novaflow.errors import Interrupted, NotReady, NovaflowError, RunError
from novaflow.events.record import EventRecord
from novaflow.events.types import ServiceChanged, ServiceState, StackChanged, StackState
from novaflow.runtime.stack import Stack

FEW_ARENAS = "MALLOC_ARENA_MAX=1"  # glibc keeps memory for each thread; a supervisor's threads only wait
LOOK_S = 0.02  # between two looks at whether the supervisor lives


class Shown(Protocol):
    """What shows events to whoever waits."""

    def show(self, record: EventRecord) -> None:
        """Show one event."""
        ...

    async def watch(self, leave: Callable[[], None]) -> None:
        """Do what else the one who watches asks for, until cancelled; call ``leave`` when he wants to go."""
        ...


class Until(Enum):
    """What to wait for."""

    LAUNCHED = "every service has been started"
    READY = "the stack is ready"
    OVER = "the stack was stopped, by the one who watches too when he leaves"
    LEFT = "the one who watches left, or the stack was stopped"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a stack is run: until when it is waited for, and what is done beside.

    ``watch`` restarts services when the source tree changes; ``tests`` selects those of its tests that have to pass before,
    ``None`` means those that the settings want.
    """

    until: Until
    timeout_s: float | None = None
    watch: bool = False
    tests: str | None = None


async def launch(stack: Stack, lock: StackLock, shown: Shown, way: RunOptions) -> None:
    """Start the supervisor, hand it the lock, and show what it does until the wanted moment.

    Raises: RunError, if the stack does not come up; NotReady, when the time is over (it goes on starting);
    Interrupted, after everything was stopped.
    """
    last = last_record(stack.paths.journal)
    after = last.sequence if last else 0
    # What was set on the command line, as environment: a supervisor is listed with its arguments as long as it lives.
    chosen = [f"{name}={value}" for name, value in stack.overrides.items()]
    argv = [
        "/usr/bin/env",
        FEW_ARENAS,
        *chosen,
        sys.executable,
        "-m",
        "novaflow.cli.main",
        "supervise",
        "--lock",
        str(lock.descriptor),
        *(["--watch"] if way.watch else []),
        str(stack.paths.root),
    ]
    stack.paths.log.mkdir(parents=True, exist_ok=True)
    supervisor = start_detached(argv, output=stack.paths.log / "supervisor.log", keep=[lock.descriptor])
    lock.release()
    watch = _Watch(stack, supervisor, shown, way.until)
    with anyio.move_on_after(way.timeout_s) as limit:
        await watch.follow(after)
    if limit.cancelled_caught:
        raise NotReady(
            stack.name,
            way.timeout_s or 0,
            f"still waiting for {', '.join(sorted(watch.starting)) or 'the supervisor'}; it goes on starting",
        )
    await watch.judge()


class _Watch:
    """What is seen of a supervisor by the process that started it."""

    def __init__(self, stack: Stack, supervisor: Popen[bytes], shown: Shown, until: Until) -> None:
        self._stack, self._supervisor, self._shown, self._until = stack, supervisor, shown, until
        self._unlaunched = {node.name for node in stack.graph("run").nodes.values() if node.is_service}
        self._end: StackChanged | None = None
        self._reached = False
        self._signal: int | None = None
        self._seen = 0
        self.starting: set[str] = set()

    async def follow(self, after: int) -> None:
        """Show events until the wanted moment, or until the supervisor is gone."""
        self._seen = after
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._show_events, tasks.cancel_scope)
            tasks.start_soon(self._wait_gone, tasks.cancel_scope)
            tasks.start_soon(self._pass_on_signals, tasks.cancel_scope)
            tasks.start_soon(self._shown.watch, partial(self._leave, tasks.cancel_scope))

    async def judge(self) -> None:
        """Return if the wanted moment was reached.

        Raises: Interrupted; RunError, saying what failed.
        """
        if self._signal is not None:
            raise Interrupted(self._signal)
        if self._reached:
            return
        if self._end is None:
            last_lines = await read_last_lines(self._stack.paths.log / "supervisor.log")
            message = f"the supervisor died with exit code {self._supervisor.returncode}; its last lines:\n{last_lines}"
            raise NovaflowError(message)
        message = f"{self._stack.name} did not come up: {self._end.reason}; logs are in {self._stack.paths.log}"
        raise RunError(message)

    async def _show_events(self, scope: anyio.CancelScope) -> None:
        async for record in follow_journal(self._stack.paths.journal, after=self._seen):
            self._take(record)
            # Who waits for the end waits for all of it: the supervisor goes when nothing is left.
            if self._reached and self._signal is None and self._until in {Until.LAUNCHED, Until.READY}:
                scope.cancel()

    async def _wait_gone(self, scope: anyio.CancelScope) -> None:
        # Not our child's end but our patience: anyio's own processes end with us, and this one must not.
        while self._supervisor.poll() is None:  # noqa: ASYNC110
            await anyio.sleep(LOOK_S)
        for record in read_journal(self._stack.paths.journal, after=self._seen):
            self._take(record)
        scope.cancel()

    async def _pass_on_signals(self, scope: anyio.CancelScope) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            async for number in signals:
                if self._until is not Until.LEFT:
                    self._signal = self._signal or number
                self._leave(scope)

    def _leave(self, scope: anyio.CancelScope) -> None:
        """Let the stack go on, or have it stopped; then all of its end is shown."""
        if self._until is Until.LEFT:
            self._reached = True
            scope.cancel()
        else:
            with suppress(ProcessLookupError):
                os.kill(self._supervisor.pid, signal.SIGTERM)

    def _take(self, record: EventRecord) -> None:
        self._seen = record.sequence
        self._shown.show(record)
        match record.event:
            case ServiceChanged(name=name, state=ServiceState.STARTED):
                self._unlaunched.discard(name)
                self.starting.add(name)
            case ServiceChanged(name=name):
                self.starting.discard(name)
            case StackChanged(state=StackState.FAILED | StackState.STOPPED) as event:
                self._end = event
            case _:
                pass
        self._reached = self._reached or self._is_wanted(record)

    def _is_wanted(self, record: EventRecord) -> bool:
        state = record.event.state if isinstance(record.event, StackChanged) else None
        match self._until:
            case Until.LAUNCHED:
                return not self._unlaunched or state is StackState.READY
            case Until.READY:
                return state is StackState.READY
            case Until.OVER | Until.LEFT:
                return state is StackState.STOPPED
