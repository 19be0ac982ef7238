"""Starts the supervisor of a stack, or becomes it, and waits until the stack has reached the requested state."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from subprocess import Popen  # noqa: TID251 - the type that `start_detached` returns
from typing import NoReturn, Protocol

import anyio

from novaflow.adapters.process import replace_process, start_detached
from novaflow.adapters.storage import StackLock, read_last_lines
from novaflow.errors import Interrupted, MachineError, NodesFailed, NotReady, NovaflowError, RunError
from novaflow.events.record import EventRecord
from novaflow.events.types import ServiceChanged, ServiceState, StackChanged, StackState, StepChanged, StepState
from novaflow.runtime.show_events import show_events
from novaflow.runtime.signals import TERMINATING, call_on_signals
from novaflow.runtime.stack import Stack

FEW_ARENAS = "MALLOC_ARENA_MAX=1"  # glibc keeps memory for each thread; a supervisor's threads only wait
POLL_S = 0.02  # between two checks whether the supervisor runs


class InteractiveDisplay(Protocol):
    """Shows events and reads the user's keys."""

    def show(self, record: EventRecord) -> None:
        """Show one event."""
        ...

    async def interact(self, leave: Callable[[], None]) -> None:
        """Respond to keys until cancelled; call ``leave`` when the user leaves."""
        ...


class WaitFor(Enum):
    """When a command that starts a stack returns."""

    SERVICES_STARTED = "every service has been started"
    READY = "the stack is ready"
    STOPPED = "the stack is stopped; leaving stops it"
    DETACHED = "the user leaves, which does not stop the stack, or the stack is stopped"


ATTACHED = {WaitFor.STOPPED, WaitFor.DETACHED}


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run a stack.

    ``timeout_s`` limits the wait; ``None`` means no limit. ``reload`` restarts services when the source tree changes.
    ``tests`` selects the tests of the source tree that run before; an empty string means all, ``None`` the choice of the settings.
    ``resume`` adopts the services of a crashed supervisor. ``fresh`` deletes the data of earlier runs first.
    """

    wait_for: WaitFor
    timeout_s: float | None = None
    reload: bool = False
    tests: str | None = None
    resume: bool = False
    fresh: bool = False


async def launch(stack: Stack, lock: StackLock, options: RunOptions, display: InteractiveDisplay) -> None:
    """Start the supervisor, which takes over the lock, and show its events until the requested state is reached.

    Raises: RunError, if the stack does not come up, or if its stop is incomplete; NotReady, when the time limit is over (the
    stack keeps starting); Interrupted, after a signal has stopped everything.
    """
    launched = _Launch(stack, display, options.wait_for)
    with anyio.move_on_after(options.timeout_s) as limit:
        async with show_events(stack.paths.journal, launched.apply_event):
            supervisor = _start_supervisor(stack, lock, options)
            await launched.wait(supervisor)
    if limit.cancelled_caught and not launched.reached:
        waiting = sorted(launched.starting)
        answer = f"still waiting for {', '.join(waiting) or 'the supervisor'}; it keeps starting"
        error = NotReady(stack.name, options.timeout_s or 0, answer)
        error.nodes = tuple(waiting)
        raise error
    await launched.require_reached()


def become_supervisor(stack: Stack, lock: StackLock, options: RunOptions) -> NoReturn:
    """Replace this process by the supervisor, which takes over the lock and reports to a service manager."""
    replace_process([*_supervisor_command(stack, lock, options), "--foreground"], output=_output(stack), keep=[lock.descriptor])


def _start_supervisor(stack: Stack, lock: StackLock, options: RunOptions) -> Popen[bytes]:
    supervisor = start_detached(_supervisor_command(stack, lock, options), output=_output(stack), keep=[lock.descriptor])
    lock.release()
    return supervisor


def _supervisor_command(stack: Stack, lock: StackLock, options: RunOptions) -> Sequence[str]:
    # Settings of the command line are passed in the environment; secrets are not among them.
    overrides = [f"{name}={value}" for name, value in stack.overrides.items()]
    # -P: the current folder may contain another package of this name, of another user.
    command = [sys.executable, "-P", "-m", "novaflow.cli.main", "supervise", "--lock", str(lock.descriptor)]
    flags = [flag for flag, is_set in (("--watch", options.reload), ("--resume", options.resume)) if is_set]
    return ["/usr/bin/env", FEW_ARENAS, *overrides, *command, *flags, str(stack.paths.root)]


def _output(stack: Stack) -> Path:
    stack.paths.log.mkdir(parents=True, exist_ok=True)
    return stack.paths.log / "supervisor.log"


class _Launch:
    """The state of a stack that is being started, as its events and its supervisor's process show it."""

    def __init__(self, stack: Stack, display: InteractiveDisplay, wait_for: WaitFor) -> None:
        self._stack, self._display, self._wait_for = stack, display, wait_for
        self._unstarted = {node.name for node in stack.graph("run").nodes.values() if node.is_service}
        self._end: StackChanged | None = None
        self._failed: list[str] = []
        self._signal: int | None = None
        self._is_leaving = False
        self._done = anyio.Event()
        self._supervisor: Popen[bytes]
        self.starting: set[str] = set()
        self.reached = False

    def apply_event(self, record: EventRecord) -> None:
        """Show one event, and note what it changes."""
        self._display.show(record)
        match record.event:
            case ServiceChanged(name=name, state=ServiceState.STARTED | ServiceState.ADOPTED):
                self._unstarted.discard(name)
                self.starting.add(name)
            case ServiceChanged(name=name, state=state):
                self.starting.discard(name)
                if state is ServiceState.FAILED:
                    self._failed.append(name)
            case StepChanged(name=name, state=StepState.FAILED):
                self._failed.append(name)
            case StackChanged(state=StackState.FAILED | StackState.STOPPED) as event:
                self._end = event
            case StackChanged(state=StackState.DEGRADED) as event if self._wait_for is WaitFor.READY:
                self._end = event  # of the start; a stack that was ready has reached what was waited for
            case _:
                pass
        self.reached = self.reached or self._is_target(record)
        # A stack that stops is done when its supervisor exits, which is after its last event.
        is_over = self.reached or self._is_degraded
        if is_over and self._signal is None and self._wait_for in {WaitFor.SERVICES_STARTED, WaitFor.READY}:
            self._done.set()

    @property
    def _is_degraded(self) -> bool:
        """Return whether the start has ended without a service that was to be adopted."""
        return self._end is not None and self._end.state is StackState.DEGRADED

    async def wait(self, supervisor: Popen[bytes]) -> None:
        """Wait until the requested state is reached, the user leaves, or the supervisor exits."""
        self._supervisor = supervisor
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._wait_for_exit)
            tasks.start_soon(call_on_signals, self._stop_on_signal, *TERMINATING)
            tasks.start_soon(self._display.interact, self._leave)
            await self._done.wait()
            tasks.cancel_scope.cancel()

    async def require_reached(self) -> None:
        """Return if the requested state was reached.

        Raises: Interrupted; RunError, with the reason why the stack did not come up or did not stop; NovaflowError, if the
        supervisor crashed.
        """
        if self._is_leaving and self._end is not None and self._end.state is StackState.FAILED:
            raise RunError(f"{self._stack.name}: {self._end.reason}; logs are in {self._stack.paths.log}")
        if self._signal is not None:
            raise Interrupted(self._signal)
        if self.reached or (self._end is None and self._is_leaving and self._supervisor.returncode == -signal.SIGTERM):
            return  # also if the user left before the supervisor could handle signals: nothing was started
        if self._end is None:
            raise await self._describe_crash()
        how = "is degraded" if self._is_degraded else "did not come up"
        raise NodesFailed(f"{self._stack.name} {how}: {self._end.reason}; logs are in {self._stack.paths.log}", self._failed)

    async def _describe_crash(self) -> NovaflowError:
        log_file = self._stack.paths.log / "supervisor.log"
        how = f"has crashed with exit code {self._supervisor.returncode}"
        error = NovaflowError(f"the supervisor (pid {self._supervisor.pid}) {how}; see {log_file}")
        if self._supervisor.returncode == MachineError.exit_code:
            error.exit_code = MachineError.exit_code
        error.log_tail = await read_last_lines(log_file)
        return error

    async def _wait_for_exit(self) -> None:
        # Not a process of anyio's: it would be killed when this command exits.
        while self._supervisor.poll() is None:  # noqa: ASYNC110
            await anyio.sleep(POLL_S)
        self._done.set()

    def _stop_on_signal(self, number: signal.Signals) -> None:
        if self._wait_for is not WaitFor.DETACHED:
            self._signal = self._signal or number
        self._leave()

    def _leave(self) -> None:
        """Leave the stack running, or stop it and wait for its end."""
        if self._wait_for is WaitFor.DETACHED:
            self.reached = True
            self._done.set()
        else:
            self._is_leaving = True
            with suppress(ProcessLookupError):
                os.kill(self._supervisor.pid, signal.SIGTERM)

    def _is_target(self, record: EventRecord) -> bool:
        state = record.event.state if isinstance(record.event, StackChanged) else None
        match self._wait_for:
            case WaitFor.SERVICES_STARTED:
                return not self._unstarted or state is StackState.READY
            case WaitFor.READY:
                return state is StackState.READY
            case WaitFor.STOPPED | WaitFor.DETACHED:
                return state is StackState.STOPPED
