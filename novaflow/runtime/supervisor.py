"""The supervisor: runs the services of one stack until it is stopped."""

import signal
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from pathlib import Path

import anyio
import psutil
import structlog
from anyio.abc import TaskGroup

from novaflow.adapters.control.server import serve_control
from novaflow.adapters.init_system import ServiceManager
from novaflow.adapters.process import become_subreaper, end_processes, reap_orphans
from novaflow.adapters.storage import StackLock, rotate_logs
from novaflow.errors import RunError
from novaflow.events.record import EventRecord
from novaflow.events.types import StackState
from novaflow.runtime.broker import open_publisher
from novaflow.runtime.cleanup import clean_up, describe_left
from novaflow.runtime.control_handlers import SupervisorHandlers
from novaflow.runtime.disk_watch import watch_disk
from novaflow.runtime.hook_runner import HookRunner
from novaflow.runtime.journal_size import keep_journal_small
from novaflow.runtime.live_status import LiveStatus
from novaflow.runtime.notification_bridge import forward_notifications
from novaflow.runtime.orchestrator import Orchestrator, new_run_id, open_orchestrator
from novaflow.runtime.resume import DoneSteps
from novaflow.runtime.service_manager import report_state
from novaflow.runtime.signals import call_on_signals
from novaflow.runtime.stack import Stack
from novaflow.runtime.stack_state import StackStatePublisher

log = structlog.get_logger(__name__)

ROTATE_EVERY_S = 1.0  # a service that writes 100 MB/s has 100 MB more than it may; a look at 40 files takes 0.3 ms
ROTATE_AGAIN_S = 0.1  # after a file was too large: its program may write without end
RETRY_S = 1.0  # before a task that failed runs again
LAST_EVENTS_S = 3.0  # for a broker outside of the stack to confirm the last events


async def supervise(stack: Stack, lock: int, service_manager: ServiceManager, *, reload: bool, resume: bool) -> None:
    """Run the stack in this process until it is stopped; ``lock`` is the inherited descriptor of its lock.

    ``reload`` restarts services when the source tree changes. ``resume`` adopts the services that a crashed supervisor left,
    and continues its run.

    Raises: RunError, if the stack does not come up, or if its stop is incomplete.
    """
    StackLock.inherited(lock, "run")
    become_subreaper()
    supervisor = Supervisor(stack, service_manager, reload=reload, resume=resume)
    await supervisor.run()
    if supervisor.state is StackState.FAILED:
        raise RunError(f"{stack.name} has failed; `novaflow status` shows why; logs are in {stack.paths.log}")


class Supervisor:
    """Brings up one stack and publishes its events; nothing of the stack runs when ``run`` has returned."""

    def __init__(self, stack: Stack, service_manager: ServiceManager, *, reload: bool, resume: bool) -> None:
        self._stack, self._service_manager, self._reload = stack, service_manager, reload
        self._done_steps = DoneSteps(stack, resume=resume)
        self._publisher = open_publisher(stack)
        self._status = LiveStatus(stack, self._publisher)
        self._hooks = HookRunner(stack)

    @property
    def state(self) -> StackState:
        """Return the state of the stack."""
        return self._status.state

    async def run(self) -> None:
        """Bring the stack up and run it until it is stopped."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._service_manager.send_keep_alives)
            await self._run()
            tasks.cancel_scope.cancel()

    async def _run(self) -> None:
        self._publisher.start()
        try:
            async with open_orchestrator(self._stack, [self._take], self._status.record_progress, self._publisher.drain) as orchestrator:
                await SupervisedRun(orchestrator, self._status, self._hooks, reload=self._reload, done=self._done_steps.before).run()
                if self._publisher.publish_status.broker == "up":
                    await self._publisher.drain(LAST_EVENTS_S)
        finally:
            await anyio.to_thread.run_sync(self._publisher.stop, LAST_EVENTS_S)
            await end_processes(psutil.Process().children(recursive=True), grace_s=1)

    def _take(self, record: EventRecord) -> None:
        was_degraded = self._status.state is StackState.DEGRADED
        self._status.apply(record)
        self._done_steps.apply(record)
        self._publisher.wake()
        report_state(self._service_manager, record)
        if not was_degraded:  # a stack that is ready again has run its command before
            self._hooks.queue_hook(record)


class SupervisedRun:
    """One run of the stack's services, with the tasks that run at the same time: signals, control socket, hooks."""

    def __init__(
        self, orchestrator: Orchestrator, status: LiveStatus, hooks: HookRunner, *, reload: bool, done: Collection[str] | None
    ) -> None:
        run_id = new_run_id()
        self._orchestrator, self._status, self._hooks, self._reload = orchestrator, status, hooks, reload
        self._paths, self._name = orchestrator.stack.paths, orchestrator.stack.name
        self._bus = orchestrator.bus(run_id)
        self._state = StackStatePublisher(orchestrator.stack.name, status, self._bus.publish)
        self._engine = orchestrator.engine("run", run_id, on_up=self._set_up, on_service=self._state.update, done=done)
        self._is_up = anyio.Event()

    async def run(self) -> None:
        """Start the services, run them until they are stopped or one fails to start, and clean up."""
        self._state.publish_starting()
        async with anyio.create_task_group() as hooks:
            hooks.start_soon(keep_alive, "hooks", partial(self._hooks.run, self._bus.publish))
            async with anyio.create_task_group() as tasks:
                self._start_tasks(tasks)
                async with serve_control(self._paths.control, self._handlers(), group=self._orchestrator.stack.group):
                    outcome = await self._engine.run()
                    left = describe_left(self._orchestrator.stack, await clean_up(self._orchestrator))
                self._state.publish_end(outcome, left)
                tasks.cancel_scope.cancel()
            self._hooks.close()

    def _start_tasks(self, tasks: TaskGroup) -> None:
        tasks.start_soon(call_on_signals, self._stop_on_signal, signal.SIGINT, signal.SIGTERM)
        tasks.start_soon(call_on_signals, _ignore, signal.SIGHUP)  # the end of the session that started the stack
        tasks.start_soon(keep_alive, "orphans", reap_orphans)
        tasks.start_soon(keep_alive, "logs", partial(_rotate_logs, self._paths.log))
        journal = self._orchestrator.journal
        tasks.start_soon(keep_alive, "disk", partial(watch_disk, self._name, self._paths.root, journal, self._bus.publish))
        tasks.start_soon(keep_alive, "journal", partial(keep_journal_small, journal, self._orchestrator.stack))
        tasks.start_soon(keep_alive, "notifications", partial(forward_notifications, self._orchestrator, self._bus.publish))
        if self._reload:
            # Imported here: it imports watchfiles, whose memory a supervisor that watches nothing would hold as long as it runs.
            from novaflow.runtime.reload import restart_on_change  # noqa: PLC0415

            tasks.start_soon(keep_alive, "reload", partial(restart_on_change, self._engine, self._paths, self._is_up))

    def _handlers(self) -> SupervisorHandlers:
        return SupervisorHandlers(self._orchestrator, self._engine, self._status, self._stop)

    def _set_up(self, took_s: float) -> None:
        self._is_up.set()
        self._state.publish_up(took_s)

    def _stop(self, reason: str) -> None:
        if self._state.publish_stopping(reason):
            self._engine.stop(reason)

    def _stop_on_signal(self, number: signal.Signals) -> None:
        self._stop(f"stop requested by {number.name}")


async def keep_alive(task: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a task of the supervisor to its end; after an error run it again: it must not stop the services."""
    while True:
        try:
            await run()
        except Exception:  # a fault of the task, which is logged
            log.exception("supervisor.task_failed", task=task)
        else:
            return
        await anyio.sleep(RETRY_S)


async def _rotate_logs(folder: Path) -> None:
    while True:
        is_rotated = await anyio.to_thread.run_sync(rotate_logs, folder)
        await anyio.sleep(ROTATE_AGAIN_S if is_rotated else ROTATE_EVERY_S)


def _ignore(_: signal.Signals) -> None:
    """Do nothing: unlike an ignored signal, a handled one has its default action in the services."""
