"""Draws a running stack on the whole terminal, with rich: the services above, and below a log, events, or what a service needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from novaflow.model.selection import Pane, Selection, Typing
from novaflow.model.status import ServiceStatus, StackStatus, Usage

FRAME_LINES = 6  # the head, the table's headings, the frame of the pane, the foot's two lines
LEAST_PANE_LINES = 6
COLOURS = {"ready": "green", "adopted": "green", "failed": "red", "exited": "red", "stopped": "dim"}
CURSOR = "▏"
KEYS = "? help  ↑↓ select  l log  e events  g needs  r restart  s stop  / find  q quit"
HELP = (
    "↑ ↓  j k     select a service",
    "l            the log of the selected service",
    "e            the events of the stack",
    "g            what the selected service is and needs, and how it failed last",
    "PgUp PgDn    scroll",
    "r            restart the selected service",
    "s            stop it, after a second press; start it, if it is down",
    "f            show only services with a text in their name",
    "/            show only lines with a text",
    "Esc          show everything again",
    "q            leave",
)


@dataclass(frozen=True, slots=True)
class DashboardState:
    """The content of the screen: status, resource use, the user's selection, and the lines of the selected pane.

    ``started_at`` maps a service to the time it was started, ``running_steps`` lists running steps, ``message`` is the last answer
    to a key.
    """

    status: StackStatus
    selection: Selection
    lines: Sequence[str]
    usage: Mapping[str, Usage]
    started_at: Mapping[str, datetime]
    running_steps: Sequence[str]
    message: str


class Dashboard:
    """Draws on the alternate screen of the terminal for the duration of the block."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, screen=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()

    @property
    def columns(self) -> int:
        """Return how many columns a line of the pane has."""
        return max(1, self._console.width - 4)

    def draw(self, state: DashboardState) -> None:
        """Show this state on the screen."""
        listed = state.selection.listed([*state.status.services])
        max_rows = max(1, self._console.height - FRAME_LINES - LEAST_PANE_LINES)
        shown = _window(listed, state.selection.selected, max_rows)
        pane_lines = max(1, self._console.height - FRAME_LINES - len(shown))
        self._live.update(Group(_head(state), _services(state, shown), _pane(state, pane_lines), _foot(state)), refresh=True)


def _head(state: DashboardState) -> Text:
    status = state.status
    ready = sum(service.state == "ready" for service in status.services.values())
    running_steps = f"   running {', '.join(state.running_steps)}" if state.running_steps else ""
    text = f" {status.stack} is {status.state}: {status.reason}   {ready} of {len(status.services)} services are ready{running_steps}"
    return Text(text, style="bold reverse", no_wrap=True, overflow="ellipsis")


def _services(state: DashboardState, shown: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, expand=True)
    for heading, justify in (
        ("service", "left"), ("state", "left"), ("up", "right"), ("restarts", "right"), ("cpu", "right"), ("memory", "right"), ("", "left"),
    ):  # fmt: skip
        table.add_column(heading, justify=justify, no_wrap=True, overflow="ellipsis", ratio=1 if not heading else None)  # type: ignore[arg-type]
    for name in shown:
        service = state.status.services[name]
        usage = state.usage.get(name)
        table.add_row(
            f"{'▶' if name == state.selection.selected else ' '} {name}",
            Text(str(service.state), style=COLOURS.get(service.state, "yellow")),
            _uptime(service, state.started_at.get(name)),
            str(service.restarts or ""),
            f"{usage.processor_percent:.0f} %" if usage else "",
            f"{usage.memory_mib:.0f} MiB" if usage else "",
            Text(service.reason.partition("\n")[0]),
            style="bold" if name == state.selection.selected else "",
        )
    return table


def _pane(state: DashboardState, count: int) -> Panel:
    selection = state.selection
    text = Text("\n".join(selection.show_lines(state.lines, count)), no_wrap=True, overflow="ellipsis")
    if selection.search:
        text.highlight_words([selection.search], "reverse")
    about = "" if selection.pane in {Pane.KEYS, Pane.EVENTS} else f"{selection.selected or 'no service'}: "
    return Panel(text, title=f"{about}{selection.pane}", height=count + 2, title_align="left")


def _foot(state: DashboardState) -> Text:
    selection = state.selection
    texts = {Typing.FILTER: selection.filter, Typing.SEARCH: selection.search}
    chosen = [
        f"{name}: {text}{CURSOR if name is selection.typing else ''}" for name, text in texts.items() if text or name is selection.typing
    ]
    answer = "   ".join(filter(None, (*chosen, state.message)))
    return Text(f"{answer}\n{KEYS}", style="dim", no_wrap=True, overflow="ellipsis")


def _window(listed: Sequence[str], selected: str, max_rows: int) -> Sequence[str]:
    """Return as many services as fit, including the selected one."""
    place = listed.index(selected) if selected in listed else 0
    first = max(0, min(place - max_rows // 2, len(listed) - max_rows))
    return listed[first : first + max_rows]


def _uptime(service: ServiceStatus, started_at: datetime | None) -> str:
    if service.pid is None or started_at is None:
        return ""
    # The clock may have been set back since the start.
    minutes, seconds = divmod(max(0, int((datetime.now(UTC) - started_at).total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
