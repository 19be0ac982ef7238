"""What a person sees and does who runs a stack on a terminal: all services, the log of one, keys to handle them."""

import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import anyio

from novaflow.adapters.control.client import Control
from novaflow.adapters.process.usage import Meter, Usage
from novaflow.adapters.storage.files import LineFollower, read_last_lines
from novaflow.adapters.terminal.dashboard import Dashboard, Picture
from novaflow.adapters.terminal.keyboard import keys_as_typed, read_keys
from novaflow.adapters.terminal.progress import Progress
from novaflow.errors import NovaflowError
from novaflow.events.record import EventRecord
from novaflow.events.types import ServiceChanged, ServiceState, StackChanged, StepChanged, StepState
from novaflow.model.selection import Selection
from novaflow.model.status import StackStatus
from novaflow.plan.plan import ServiceCommand
from novaflow.runtime.stack import Stack

if TYPE_CHECKING:
    from datetime import datetime

LEAVE = "q"
LOG_LINES = 2000  # of the selected service: enough to search in
DRAW_S = 0.25
LOOK_S = 0.2  # between two looks at a log that grows
MEASURE_S = 2.0  # a look at all processes takes some 20 ms
_ENDED = {StepState.FAILED, ServiceState.FAILED, ServiceState.EXITED}


class DashboardController:
    """The dashboard of one run; what failed and how it ended is on the terminal's own screen afterwards."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._control = Control(stack.paths.control)
        self._status = StackStatus(stack.name)
        self._choice = Selection()
        self._lines = list[str]()
        self._usage: dict[str, Usage] = {}
        self._began: dict[str, datetime] = {}
        self._running_steps: dict[str, None] = {}  # steps, in the order they were begun
        self._told = list[EventRecord]()  # what a person who leaves should have seen
        self._said = ""
        self._dashboard = Dashboard(sys.stdout)

    def __enter__(self) -> Self:
        self._dashboard.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._dashboard.__exit__(kind, error, trace)
        with Progress(sys.stdout) as progress:
            for record in self._told:
                progress.show(record)

    def show(self, record: EventRecord) -> None:
        """Take note of one event."""
        self._status = self._status.apply(record)
        self._choice = self._choice.select_listed([*self._status.services])
        match record.event:
            case StepChanged(name=name, state=StepState.STARTED):
                self._running_steps[name] = None
            case StepChanged(name=name):
                self._running_steps.pop(name, None)
            case ServiceChanged(name=name, state=ServiceState.STARTED):
                self._began[name] = record.time
        if isinstance(record.event, StackChanged) or getattr(record.event, "state", None) in _ENDED:
            self._told.append(record)

    async def watch(self, leave: Callable[[], None]) -> None:
        """Follow the selected service's log, measure all of them, and do what keys ask for; ``leave`` is called for the last one."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._draw_often)
            tasks.start_soon(self._follow_log)
            tasks.start_soon(self._measure)
            with keys_as_typed():
                while True:
                    for key in await read_keys():
                        if self._choice.typing or key not in {LEAVE, "r", "s"}:
                            self._choice = self._choice.press(key, [*self._status.services])
                        elif key == LEAVE:
                            leave()
                        elif self._choice.selected:
                            tasks.start_soon(self._handle, key, self._choice.selected)
                    self._draw()

    async def _draw_often(self) -> None:
        while True:
            self._draw()
            await anyio.sleep(DRAW_S)

    def _draw(self) -> None:
        self._dashboard.draw(Picture(self._status, self._choice, self._lines, self._usage, self._began, [*self._running_steps], self._said))

    async def _handle(self, key: str, name: str) -> None:
        is_down = self._status.services[name].pid is None
        command = ServiceCommand.RESTART if key == "r" else ServiceCommand.START if is_down else ServiceCommand.STOP
        self._said = f"{command} of {name} …"
        try:
            failures = (await self._control.handle(command, name))["failures"]
        except NovaflowError as error:
            self._said = str(error)
        else:
            self._said = "; ".join(f"{command} of {each} failed: {why}" for each, why in failures.items()) or f"{command} of {name} is done"

    async def _follow_log(self) -> None:
        name, follower = "", LineFollower(self._stack.paths.log)
        while True:
            if name != self._choice.selected:
                name = self._choice.selected
                path = self._stack.paths.log / f"{name}.log"
                follower = LineFollower(path)  # before the look back, so that no line falls between
                self._lines = (await read_last_lines(path, count=LOG_LINES, most_bytes=1 << 18)).splitlines()
            if name:
                self._lines = [*self._lines, *await follower.read()][-LOG_LINES:]
            await anyio.sleep(LOOK_S)

    async def _measure(self) -> None:
        meter = Meter()
        while True:
            leaders = {name: service.pid for name, service in self._status.services.items() if service.pid}
            self._usage = dict(await anyio.to_thread.run_sync(meter.look, leaders, anyio.current_time()))
            await anyio.sleep(MEASURE_S)
