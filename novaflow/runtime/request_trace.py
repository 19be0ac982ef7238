"""What happened because of a request or to a server, in order: from the logs of all services and from events."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any

from novaflow.adapters.storage import read_journal
from novaflow.errors import UsageError
from novaflow.events.types import ComponentEvent
from novaflow.model.component import declared
from novaflow.model.trace import LogFormat, TraceLine, measure_requests
from novaflow.runtime.stack import Stack

EVENT = "event"


def trace_request(stack: Stack, request: str, sources: Collection[str] | None = None) -> Sequence[TraceLine]:
    """Return the lines of a request, of all logs or of those with these names.

    Raises: UsageError, if there are none.
    """
    found = _sort(line for one in _formats(stack) for line in _read(stack, one, lambda line: request in line))
    if not (found := [line for line in found if sources is None or line.source in sources]):
        raise UsageError(f"no log in {stack.paths.log} mentions {request}")
    return found


def trace_server(stack: Stack, server: str) -> Sequence[TraceLine]:
    """Return the lines about a server, by its id or its name, those of the requests of users that changed it, and its events.

    Raises: UsageError, if no log and no event mentions it.
    """
    events = [(record.time, record.event) for record in read_journal(stack.paths.journal) if isinstance(record.event, ComponentEvent)]
    names = [event.name for _, event in events if server in {event.name, event.data.get("display_name")}]
    key = names[-1] if names else server  # the latest of this name
    found = [line for one in _formats(stack) for line in _follow(stack, one, key)]
    requests = {line.request for line in found if line.request}
    for time, event in events:
        if event.name == key:
            request = next((request for request in requests if request in event.reason), "")
            found.append(TraceLine(time, EVENT, "INFO", request, f"{event.kind}.{event.state}"))
    if not found:
        raise UsageError(f"no log in {stack.paths.log} and no event mentions {server}")
    return _sort(found)


def describe_trace(lines: Iterable[TraceLine]) -> Mapping[str, Any]:
    """Return the object that `trace --json` prints."""
    lines = tuple(lines)
    shown = [asdict(line) | {"time": line.time.isoformat()} for line in lines]
    return {"lines": shown, "requests": [asdict(request) for request in measure_requests(lines)]}


def _formats(stack: Stack) -> Sequence[LogFormat]:
    return declared(stack.components, LogFormat)


def _follow(stack: Stack, log_format: LogFormat, key: str) -> Iterator[TraceLine]:
    """Yield the lines that contain the key, and the others of the requests to which these belong."""
    about = [line for line in _read(stack, log_format, lambda line: key in line) if log_format.concerns(line, key)]
    requests = {line.request for line in about if line.request}
    others = _read(stack, log_format, lambda line: key not in line and any(request in line for request in requests))
    yield from chain(about, (line for line in others if log_format.concerns(line, key)))


def _read(stack: Stack, log_format: LogFormat, matches: Callable[[str], bool]) -> Iterator[TraceLine]:
    """Yield the lines of all logs that match, and those that continue them: the lines of a traceback belong to no request."""
    for path in sorted(stack.paths.log.glob("*.log*")):
        source, previous = path.name.partition(".log")[0], None
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            is_match = matches(line)
            found = log_format.parse(source, line) if is_match or previous else None
            if found and previous and not is_match:
                found = _continue(found, previous)
            if found:
                yield found
            previous = found


def _continue(line: TraceLine, previous: TraceLine) -> TraceLine | None:
    """Return the line as one of the same request, if it was written at once with the line before."""
    is_same = (line.time, line.level, line.request) == (previous.time, previous.level, "")
    return TraceLine(line.time, line.source, line.level, previous.request, line.text) if is_same else None


def _sort(lines: Iterable[TraceLine]) -> Sequence[TraceLine]:
    return sorted(lines, key=lambda line: line.time)
