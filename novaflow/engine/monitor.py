"""Watches a service that has become ready: its exit, its liveness and the probes after a need was down."""

import random
from collections.abc import Callable
from contextlib import suppress

import anyio
from anyio.abc import TaskGroup

from novaflow.engine.ports import Program
from novaflow.errors import NotReady, RunError, ServiceExited, ServiceUnresponsive
from novaflow.events.types import ServiceState
from novaflow.model.service import Service

TICK_S = 2.0  # between two looks at an unready or suspended service; reading a process's state takes 30 µs

Publish = Callable[[ServiceState, str | RunError | NotReady], None]


class ServiceMonitor:
    """One run of one service, from ready to its end.

    ``publish`` publishes a state of the service with its reason. ``needs_are_up`` returns whether everything that the
    service needs is up: the service is not checked while it is not, since it cannot be ready and a restart would not help.
    """

    def __init__(self, service: Service, program: Program, publish: Publish, needs_are_up: Callable[[], bool]) -> None:
        self._service, self._program, self._publish = service, program, publish
        self._needs_are_up = needs_are_up
        self._unready = False
        self._rechecking = False  # failed checks do not count then: the service may take as long as for its start
        self._failures = 0
        self._tasks: TaskGroup | None = None

    async def wait_end(self) -> RunError:
        """Wait until the program exits or no longer answers, and return which of the two."""
        ended: list[RunError] = []
        async with anyio.create_task_group() as self._tasks:

            async def end_with(wait: Callable[[], object]) -> None:
                ended.append(await wait())  # type: ignore[misc]
                if self._tasks is not None:
                    self._tasks.cancel_scope.cancel()

            self._tasks.start_soon(end_with, self._program.wait_exit)
            self._tasks.start_soon(end_with, self._wait_unresponsive)
        self._tasks = None  # a recheck that is requested before the plan knows of the end does nothing
        return ended[0]

    def mark_unready(self, reason: str) -> None:
        """Publish that the service is not ready because a need is down."""
        self._unready = True
        self._publish(ServiceState.UNREADY, reason)

    def recheck(self) -> None:
        """Probe the service again, for as long as its start may take: its needs are back."""
        if self._tasks is not None and not self._rechecking:
            self._rechecking = True
            self._tasks.start_soon(self._recheck)

    async def _recheck(self) -> None:
        with suppress(ServiceExited):  # `wait_end` returns it
            try:
                self._record_success(await self._program.wait_ready())
            except NotReady as error:
                self._unready = False  # the reason is a new one: publish it
                self._record_failure(error)
            self._rechecking = False

    async def _wait_unresponsive(self) -> RunError:
        """Check the service at its interval; return when too many checks in a row have failed."""
        liveness = self._service.liveness
        # The first checks of services that became ready together are spread over the interval.
        next_s = anyio.current_time() + liveness.interval_s * random.random()  # noqa: S311 - spreads load, hides nothing
        while self._failures < liveness.failures:
            await anyio.sleep(min(TICK_S, liveness.interval_s))
            suspended = self._program.is_suspended()
            due = self._unready or anyio.current_time() >= next_s
            if suspended or (due and self._needs_are_up() and not self._rechecking):
                await self._check(suspended=suspended)
                next_s = anyio.current_time() + liveness.interval_s
        return ServiceUnresponsive(self._service.name, self._failures)

    async def _check(self, *, suspended: bool) -> None:
        if suspended:
            self._record_failure("its process is suspended by a signal")
            return
        try:
            self._record_success(await self._program.check(self._service.liveness.timeout_s))
        except NotReady as error:
            self._record_failure(error)

    def _record_success(self, answer: str) -> None:
        self._failures = 0
        if self._unready and self._needs_are_up():
            self._unready = False
            self._publish(ServiceState.READY, answer)

    def _record_failure(self, reason: str | NotReady) -> None:
        self._failures += 1
        if not self._unready:
            self._unready = True
            self._publish(ServiceState.UNREADY, reason)
