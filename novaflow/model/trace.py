"""What happened because of requests: lines of logs in order, and how long each request took."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

CHANGES = ("POST", "PUT", "DELETE", "PATCH")


@dataclass(frozen=True, slots=True)
class TraceLine:
    """A line of a log, or an event; ``request`` is the id of the request that it belongs to, empty if it belongs to none."""

    time: datetime
    source: str
    level: str
    request: str
    text: str


@dataclass(frozen=True, slots=True)
class LogFormat:
    """How services log, as a component declares it.

    ``parse`` returns the line of a log, which is its second argument, or ``None`` if it has another format; the first argument is
    its source. ``concerns`` returns whether a line, which belongs to a request that changed a subject or names it, is about it.
    """

    parse: Callable[[str, str], TraceLine | None]
    concerns: Callable[[TraceLine, str], bool]


@dataclass(frozen=True, slots=True)
class RequestTimes:
    """How long a request took from its first to its last line; ``pause_s`` is the longest time between two, before ``pause_before``."""

    request: str
    text: str
    total_s: float
    pause_s: float
    pause_before: str


def measure_requests(lines: Iterable[TraceLine]) -> Iterator[RequestTimes]:
    """Yield the times of each request, in the order of their first lines."""
    requests: dict[str, list[TraceLine]] = {}
    for line in lines:
        if line.request:
            requests.setdefault(line.request, []).append(line)
    for request, its in requests.items():
        change = next((line for line in its if line.text.partition('"')[2].startswith(CHANGES)), its[0])
        pauses = [((after.time - before.time).total_seconds(), after) for before, after in pairwise(its)] or [(0.0, its[0])]
        pause_s, after = max(pauses, key=lambda pause: pause[0])
        total_s = (its[-1].time - its[0].time).total_seconds()
        yield RequestTimes(request, change.text, total_s, pause_s, f"{after.source}: {after.text}")
