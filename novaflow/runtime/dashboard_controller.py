"""The dashboard of a stack that runs attached to a terminal: all services, the log of the selected one, events, keys to control them."""

import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import TaskGroup

from novaflow.adapters.control.client import ControlClient
from novaflow.adapters.process import Meter
from novaflow.adapters.storage import LineFollower, read_last_lines
from novaflow.adapters.terminal import Progress, keys_as_typed, read_keys
from novaflow.adapters.terminal.dashboard import HELP, Dashboard, DashboardState
from novaflow.errors import NovaflowError
from novaflow.events.record import EventRecord
from novaflow.events.types import DiskChanged, ServiceChanged, ServiceState, StackChanged, StepChanged, StepState
from novaflow.model.selection import Pane, Selection
from novaflow.model.status import StackStatus, Usage
from novaflow.plan.commands import ServiceCommand
from novaflow.render.as_line import draw_event
from novaflow.runtime.explanation import explain
from novaflow.runtime.stack import Stack

LEAVE, RESTART, START_OR_STOP = "q", "r", "s"  # keys
LOG_LINES = 2000  # of the selected service: enough to search in
LOG_BYTES = 1 << 18  # of the end of its log that is read for them
DRAW_EVERY_S = 0.25
READ_LOG_EVERY_S = 0.2
MEASURE_EVERY_S = 2.0  # measuring all processes takes about 20 ms
_ENDED = {StepState.FAILED, ServiceState.FAILED, ServiceState.EXITED}


class DashboardController:
    """The dashboard of one run; when the block ends, failures and states of the stack are printed on the normal screen."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._control = ControlClient(stack.paths.control)
        self._log = _SelectedLog(stack)
        self._status = StackStatus(stack.name)
        self._selection = Selection()
        self._usage: dict[str, Usage] = {}
        self._started_at: dict[str, datetime] = {}  # by service
        self._running_steps: dict[str, None] = {}  # in the order of their start
        self._events_to_print = list[EventRecord]()  # events to print at the end
        self._events: deque[str] = deque(maxlen=LOG_LINES)
        self._explained = "", 0, 0  # a service, the last event and the columns of the screen then
        self._explanation = list[str]()  # of that
        self._sequence = 0  # of the last event
        self._message = ""  # to the last key
        self._asked = ""  # the service whose stop needs a second press
        self._dashboard = Dashboard(sys.stdout)

    def __enter__(self) -> Self:
        self._dashboard.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._dashboard.__exit__(kind, error, trace)
        with Progress(sys.stdout) as progress:
            for record in self._events_to_print:
                progress.show(record)

    def show(self, record: EventRecord) -> None:
        """Update the dashboard with one event."""
        self._status = self._status.apply(record)
        self._selection = self._selection.select_listed([*self._status.services])
        self._events.append(draw_event(record))
        self._sequence = record.sequence
        match record.event:
            case StepChanged(name=name, state=StepState.STARTED):
                self._running_steps[name] = None
            case StepChanged(name=name):
                self._running_steps.pop(name, None)
            case ServiceChanged(name=name, state=ServiceState.STARTED):
                self._started_at[name] = record.time
        if isinstance(record.event, StackChanged | DiskChanged) or getattr(record.event, "state", None) in _ENDED:
            self._events_to_print.append(record)

    async def interact(self, leave: Callable[[], None]) -> None:
        """Redraw the dashboard and respond to keys until cancelled; ``leave`` is called when the user leaves."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._draw_repeatedly)
            tasks.start_soon(self._read_log)
            tasks.start_soon(self._measure)
            tasks.start_soon(self._explain)
            with keys_as_typed():
                await self._read_keys(tasks, leave)
            leave()  # the terminal has been closed

    async def _read_keys(self, tasks: TaskGroup, leave: Callable[[], None]) -> None:
        """Respond to keys until the terminal is closed."""
        with suppress(EOFError):
            while True:
                for key in await read_keys():
                    self._respond(key, tasks, leave)
                self._draw()

    def _respond(self, key: str, tasks: TaskGroup, leave: Callable[[], None]) -> None:
        asked, self._asked = self._asked, ""
        if self._selection.typing or key not in {LEAVE, RESTART, START_OR_STOP}:
            self._message = "" if asked else self._message
            self._selection = self._selection.press(key, [*self._status.services]).limit_scroll(len(self._lines()))
        elif key == LEAVE:
            leave()
        elif name := self._selection.selected:
            command = ServiceCommand.RESTART if key == RESTART else ServiceCommand.START if self._is_down(name) else ServiceCommand.STOP
            if command is ServiceCommand.STOP and asked != name:
                self._asked, self._message = name, f"stop {name}? press s again"
            else:
                tasks.start_soon(self._control_service, command, name)

    def _is_down(self, name: str) -> bool:
        return self._status.services[name].pid is None

    async def _control_service(self, command: ServiceCommand, name: str) -> None:
        self._message = f"{command} of {name} …"
        try:
            failures = await self._control.send_service_command(command, name)
        except NovaflowError as error:
            self._message = str(error)
        else:
            failed = "; ".join(f"{command} of {service} failed: {reason}" for service, reason in failures.items())
            self._message = failed or f"{command} of {name} is done"

    async def _draw_repeatedly(self) -> None:
        while True:
            self._draw()
            await anyio.sleep(DRAW_EVERY_S)

    def _draw(self) -> None:
        state = DashboardState(
            self._status, self._selection, self._lines(), self._usage, self._started_at, [*self._running_steps], self._message
        )
        self._dashboard.draw(state)

    def _lines(self) -> Sequence[str]:
        """Return the lines of the selected pane."""
        match self._selection.pane:
            case Pane.KEYS:
                return HELP
            case Pane.EVENTS:
                return [*self._events]
            case Pane.NEEDS:
                return self._explanation if self._explained[0] == self._selection.selected else []
            case _:
                return self._log.lines

    def _explain_service(self, name: str, columns: int) -> list[str]:
        try:
            (found,) = explain(self._stack, name)
        except NovaflowError as error:  # the settings have changed since its start
            return [str(error)]
        return [*found.lines(columns)]

    async def _explain(self) -> None:
        while True:
            wanted = self._selection.selected, self._sequence, self._dashboard.columns
            # It reads the whole journal, which only events change.
            if self._selection.selected and self._selection.pane is Pane.NEEDS and self._explained != wanted:
                self._explanation = await anyio.to_thread.run_sync(self._explain_service, wanted[0], wanted[2])
                self._explained = wanted
            await anyio.sleep(DRAW_EVERY_S)

    async def _read_log(self) -> None:
        while True:
            await self._log.read(self._selection.selected)
            await anyio.sleep(READ_LOG_EVERY_S)

    async def _measure(self) -> None:
        meter = Meter()
        while True:
            leaders = {name: service.pid for name, service in self._status.services.items() if service.pid}
            self._usage = dict(await anyio.to_thread.run_sync(meter.measure, leaders, anyio.current_time()))
            await anyio.sleep(MEASURE_EVERY_S)


class _SelectedLog:
    """The last lines of the selected service's log."""

    def __init__(self, stack: Stack) -> None:
        self._folder = stack.paths.log
        self._name = ""
        self._follower = LineFollower(self._folder)
        self.lines = list[str]()

    async def read(self, name: str) -> None:
        """Read the new lines; all of the last ones if another service is selected now."""
        if name != self._name:
            self._name = name
            path = self._folder / f"{name}.log"
            self._follower = LineFollower(path)  # opened before the last lines are read: no line is lost in between
            self.lines = (await read_last_lines(path, count=LOG_LINES, most_bytes=LOG_BYTES)).splitlines()
        if name:
            self.lines = [*self.lines, *await self._follower.read()][-LOG_LINES:]
