"""Prints tables, with rich."""

from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from novaflow.events.types import StackState
from novaflow.model.check import CheckResult, Severity
from novaflow.model.orphan import OrphanedResource

_COLOURS = {
    "ready": "green",
    "started": "yellow",
    "starting": "yellow",
    "stopping": "yellow",
    "degraded": "yellow",
    "unready": "yellow",
    "stopped": "dim",
    "failed": "red",
    "exited": "red",
}
PIPE_WIDTH = 240  # columns
_SEVERITY_MARKS = {Severity.GOOD: "[green]✔[/]", Severity.WARNING: "[yellow]![/]", Severity.UNWISE: "[red]✘[/]", Severity.BAD: "[red]✘[/]"}


class _Console(Console):
    """A console that raises BrokenPipeError when the reader of its output has ended; rich ends the program with exit code 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def print_status(status: Mapping[str, Any], stream: TextIO) -> None:
    """Print the object of ``describe_status``: the state of the stack, its services and addresses."""
    console = _console(stream)
    after = f", ready after {status['ready_after_s']:.1f} s" if status["ready_after_s"] else ""
    console.print(
        f"{escape(status['stack'])} is [bold {_COLOURS[status['state']]}]{status['state']}[/]{after}: {escape(status['reason'])}",
        soft_wrap=True,
    )
    if status["services"]:
        table = Table(box=None, pad_edge=False)
        for heading in ("service", "state", "pid", "port", "ready after", "reason"):
            is_number = heading in {"pid", "port", "ready after"}
            table.add_column(heading, justify="right" if is_number else "left", no_wrap=True, overflow="ellipsis")
        for service in status["services"]:
            took = f"{service['ready_after_s']:.1f} s" if service["ready_after_s"] is not None else ""
            state = f"[{_COLOURS.get(service['state'], 'default')}]{service['state']}[/]"
            reason = escape(service["reason"].partition("\n")[0])
            table.add_row(escape(service["name"]), state, str(service["pid"] or ""), str(service["port"] or ""), took, reason)
        console.print(table)
    for name, url in status["url"].items():
        console.print(f"{name:<12} {url}", soft_wrap=True)
    if status["events"]["published"] or status["events"]["waiting"]:  # a stack that never ran has no broker to be down
        console.print(f"events       {_describe_events(status)}", soft_wrap=True)


def _describe_events(status: Mapping[str, Any]) -> str:
    events = status["events"]
    if status["state"] in {StackState.STOPPED, StackState.FAILED} and events["waiting"]:
        return f"{events['published']} published; {events['waiting']} wait on disk for the broker of the next run"
    return f"{events['published']} published, {events['waiting']} waiting, broker {events['broker']}"


def print_check_results(check_results: Iterable[CheckResult], stream: TextIO) -> None:
    """Print the results of checks, with advice."""
    console = _console(stream)
    for result in check_results:
        console.print(f"{_SEVERITY_MARKS[result.severity]} {result.about:<22} {escape(result.found)}", soft_wrap=True)
        if result.advice and result.severity is not Severity.GOOD:
            console.print(f"  {'':<22} [dim]{escape(result.advice)}[/]", soft_wrap=True)


def print_orphans(orphans: Iterable[OrphanedResource], stream: TextIO) -> None:
    """Print resources that a stack left, with the mark that identifies each."""
    console = _console(stream)
    for one in orphans:
        console.print(f"{one.kind:<10} {escape(f'{one.name:<46}')} [dim]{escape(one.reason)}[/]", no_wrap=True, overflow="ellipsis")


def _console(stream: TextIO) -> Console:
    # A pipe has no width: nothing is cut.
    return _Console(file=stream, highlight=False, width=None if stream.isatty() else PIPE_WIDTH)
