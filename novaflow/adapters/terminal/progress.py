"""Shows events and progress: live on a terminal, as lines elsewhere."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self, TextIO

import anyio
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from novaflow.events.record import EventRecord
from novaflow.events.types import (
    DiskChanged,
    DiskState,
    ServiceChanged,
    ServiceState,
    StackChanged,
    StackState,
    StepChanged,
    StepState,
    WorkflowChanged,
    WorkflowState,
)
from novaflow.streams import discard_output

NOTE_EVERY_S = 5.0  # of one step, where the output is lines

_LOOKS = {
    StepState.SUCCEEDED: ("✔", "green"),
    StepState.SKIPPED: ("·", "dim"),
    StepState.FAILED: ("✘", "red"),
    StepState.RETRIED: ("↻", "yellow"),
    ServiceState.READY: ("▲", "green"),
    ServiceState.FAILED: ("✘", "red"),
    ServiceState.EXITED: ("▼", "red"),
    ServiceState.UNREADY: ("▼", "yellow"),
    ServiceState.STOPPED: ("▽", "dim"),
    ServiceState.RESTARTED: ("↻", "yellow"),
    ServiceState.ADOPTED: ("▲", "green"),
}
_SETTLED = {*_LOOKS}


@dataclass(frozen=True, slots=True)
class _Running:
    began_s: float
    note: str = ""
    fraction: float | None = None
    noted_s: float = 0.0


class Progress:
    """Shows the events of nodes and the progress of running steps.

    An output that fails does not stop the work that is shown: the rest is discarded. The end of the block raises the OSError,
    unless the reader of the output has only ended.
    """

    def __init__(self, stream: TextIO, *, note_every_s: float = NOTE_EVERY_S) -> None:
        self._note_every_s = note_every_s
        self._stream = stream
        self._lost: OSError | None = None
        self._console = Console(file=stream, highlight=False)
        self._began_s = time.monotonic()
        self._running: dict[str, _Running] = {}
        self._live = (
            Live(console=self._console, get_renderable=self._draw, refresh_per_second=8, transient=True)
            if self._console.is_terminal
            else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live:
            self._live.stop()
        if self._lost and not error and not isinstance(self._lost, BrokenPipeError):
            raise self._lost

    def show(self, record: EventRecord) -> None:
        """Show one event."""
        match record.event:
            case StepChanged(name=name, state=StepState.STARTED) | ServiceChanged(name=name, state=ServiceState.STARTED):
                self._running[name] = _Running(time.monotonic())
            case StepChanged() | ServiceChanged() as event if event.state in _SETTLED:
                self._running.pop(event.name, None)
                self._say_settled(event)
            case WorkflowChanged(name=name, state=state, reason=reason, duration_s=duration_s) if state is not WorkflowState.STARTED:
                colour = "green" if state is WorkflowState.SUCCEEDED else "red"
                self._say((f"{name} {state}", colour), (f" in {duration_s or 0:.1f} s: {reason}", ""))
            case StackChanged(name=name, state=state, reason=reason):
                colour = {StackState.READY: "bold green", StackState.FAILED: "bold red", StackState.DEGRADED: "yellow"}.get(state, "bold")
                self._say((f"{name} is {state}", colour), (f": {reason}", ""))
            case DiskChanged(state=state, reason=reason):
                self._say((f"disk is {state}", "yellow" if state is DiskState.LOW else "bold"), (f": {reason}", ""))
            case _:
                pass

    async def interact(self, leave: Callable[[], None]) -> None:
        """Wait until cancelled: there are no keys, and the user leaves with Ctrl-C."""
        del leave
        await anyio.sleep_forever()

    def show_progress(self, node: str, text: str, fraction: float | None) -> None:
        """Show the progress of a running step."""
        running = self._running.get(node)
        if running is None:
            return
        now_s = time.monotonic()
        is_due = not self._live and text != running.note and now_s - max(running.noted_s, running.began_s) >= self._note_every_s
        if is_due:
            self._say((f"  … {node:<30} {self._percent(fraction)}{text}", "dim"))
        self._running[node] = replace(running, note=text, fraction=fraction, noted_s=now_s if is_due else running.noted_s)

    def _say_settled(self, event: StepChanged | ServiceChanged) -> None:
        mark, colour = _LOOKS[event.state]
        took = f"{event.duration_s:6.1f} s" if event.duration_s is not None else " " * 8
        self._say((f"  {mark} {event.name:<30} {event.state:<9}", colour), (f" {took}  {event.reason}", ""))
        # A service that exits has failed, too: its log is shown once.
        for line in (event.log_tail or "").splitlines() if event.state is not ServiceState.EXITED else ():
            self._say((f"      {line}", "dim"))

    def _say(self, *words: tuple[str, str]) -> None:
        """Print a line of texts, each with its style."""
        stamped = ((f"{time.monotonic() - self._began_s:6.1f} ", "dim"), *words)
        if self._live:
            # On a terminal a line is cut at its width; in a log it is complete.
            self._console.print(Text.assemble(*stamped), no_wrap=True, overflow="ellipsis")
        else:
            # Without rich, which takes a millisecond a line: a graph may have a thousand nodes.
            self._write("".join(word for word, _ in stamped) + "\n")

    def _write(self, line: str) -> None:
        try:
            self._stream.write(line)
            self._stream.flush()
        except OSError as error:
            self._lost = error
            discard_output(self._stream)

    def _draw(self) -> Group:
        table = Table.grid(padding=(0, 2))
        now_s = time.monotonic()
        for name, running in sorted(self._running.items(), key=lambda item: item[1].began_s):
            table.add_row(
                Text(f"       ◌ {name}", style="cyan", no_wrap=True),
                Text(f"{now_s - running.began_s:5.1f} s", style="dim"),
                Text(f"{self._percent(running.fraction)}{running.note}", style="dim", no_wrap=True, overflow="ellipsis"),
            )
        return Group(table)

    @staticmethod
    def _percent(fraction: float | None) -> str:
        return "" if fraction is None else f"{fraction:4.0%} "
