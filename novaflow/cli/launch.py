"""Starts a stack's supervisor and watches it bring the stack up."""

import os
import signal
import sys
from contextlib import suppress
from enum import Enum
from subprocess import Popen  # noqa: TID251 - for the type of what `start_detached` started

import anyio

from novaflow.adapters.files import read_last_lines
from novaflow.adapters.journal import follow_journal, last_recorded, read_journal
from novaflow.adapters.keyboard import keys_as_typed, read_key
from novaflow.adapters.lock import StackLock
from novaflow.adapters.process import start_detached
from novaflow.adapters.progress import Progress
from novaflow.cli.stack import Stack
from novaflow.errors import Interrupted, NotReady, NovaflowError, RunError
from novaflow.model.event import Recorded, ServiceChanged, ServiceState, StackChanged, StackState

LEAVE_KEY = "q"
FEW_ARENAS = "MALLOC_ARENA_MAX=1"  # glibc keeps memory for each thread; a supervisor's threads only wait
LOOK_S = 0.02  # between two looks at whether the supervisor lives


class Until(Enum):
    """What to wait for."""

    LAUNCHED = "every service has been started"
    READY = "the stack is ready"
    OVER = "the stack was stopped"


async def launch(stack: Stack, lock: StackLock, progress: Progress, *, until: Until, timeout_s: float | None) -> None:
    """Start the supervisor, hand it the lock, and show what it does until the wanted moment.

    Raises: RunError, if the stack does not come up; NotReady, when the time is over (it goes on starting);
    Interrupted, after everything was stopped.
    """
    last = last_recorded(stack.paths.journal)
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
        str(stack.paths.root),
    ]
    stack.paths.log.mkdir(parents=True, exist_ok=True)
    supervisor = start_detached(argv, output=stack.paths.log / "supervisor.log", keep=[lock.descriptor])
    lock.release()
    watch = _Watch(stack, supervisor, progress, until)
    with anyio.move_on_after(timeout_s) as limit:
        await watch.follow(after)
    if limit.cancelled_caught:
        raise NotReady(
            stack.name, timeout_s or 0, f"still waiting for {', '.join(sorted(watch.starting)) or 'the supervisor'}; it goes on starting"
        )
    await watch.judge()


class _Watch:
    """What is seen of a supervisor by the process that started it."""

    def __init__(self, stack: Stack, supervisor: Popen[bytes], progress: Progress, until: Until) -> None:
        self._stack, self._supervisor, self._progress, self._until = stack, supervisor, progress, until
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
            tasks.start_soon(self._pass_on_signals)
            if self._until is Until.OVER and sys.stdin.isatty():
                tasks.start_soon(self._leave_on_key)

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
        message = f"{self._stack.name} did not come up: {self._end.because}; logs are in {self._stack.paths.log}"
        raise RunError(message)

    async def _show_events(self, scope: anyio.CancelScope) -> None:
        async for recorded in follow_journal(self._stack.paths.journal, after=self._seen):
            self._take(recorded)
            # Who waits for the end waits for all of it: the supervisor goes when nothing is left.
            if self._reached and self._signal is None and self._until is not Until.OVER:
                scope.cancel()

    async def _wait_gone(self, scope: anyio.CancelScope) -> None:
        # Not our child's end but our patience: anyio's own processes end with us, and this one must not.
        while self._supervisor.poll() is None:  # noqa: ASYNC110
            await anyio.sleep(LOOK_S)
        for recorded in read_journal(self._stack.paths.journal, after=self._seen):
            self._take(recorded)
        scope.cancel()

    async def _pass_on_signals(self) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            async for number in signals:
                self._signal = self._signal or number
                with suppress(ProcessLookupError):
                    os.kill(self._supervisor.pid, signal.SIGTERM)

    async def _leave_on_key(self) -> None:
        with keys_as_typed():
            while await read_key() != LEAVE_KEY:
                pass
            os.kill(self._supervisor.pid, signal.SIGTERM)
            await anyio.sleep_forever()  # and keep the terminal as it is until the last line

    def _take(self, recorded: Recorded) -> None:
        self._seen = recorded.sequence
        self._progress.show(recorded)
        match recorded.event:
            case ServiceChanged(name=name, state=ServiceState.STARTED):
                self._unlaunched.discard(name)
                self.starting.add(name)
            case ServiceChanged(name=name):
                self.starting.discard(name)
            case StackChanged(state=StackState.FAILED | StackState.STOPPED) as event:
                self._end = event
            case _:
                pass
        self._reached = self._reached or self._is_wanted(recorded)

    def _is_wanted(self, recorded: Recorded) -> bool:
        state = recorded.event.state if isinstance(recorded.event, StackChanged) else None
        match self._until:
            case Until.LAUNCHED:
                return not self._unlaunched or state is StackState.READY
            case Until.READY:
                return state is StackState.READY
            case Until.OVER:
                return state is StackState.STOPPED
