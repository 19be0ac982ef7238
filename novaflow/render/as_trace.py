"""Draws what happened because of requests, one line for each line of a log, and where the time went."""

from collections.abc import Iterator, Sequence

from novaflow.model.trace import TraceLine, measure_requests

SHOWN_S = 0.1  # shorter pauses and requests are not shown
LONGEST = 80  # characters of a request and of the line after its longest pause


def draw_trace(lines: Sequence[TraceLine]) -> Iterator[str]:
    """Yield each line with its local time, the time since the line before, and its source; then the requests that took longest."""
    width, previous = max(len(line.source) for line in lines), lines[0].time
    for line in lines:
        pause_s = (line.time - previous).total_seconds()
        pause, previous = f"+{pause_s:.1f} s" if pause_s >= SHOWN_S else "", line.time
        level = "" if line.level == "INFO" else f"{line.level} "
        yield f"{line.time.astimezone():%H:%M:%S}.{line.time.microsecond // 1000:03} {pause:>9}  {line.source:<{width}}  {level}{line.text}"
    long = [request for request in measure_requests(lines) if request.total_s >= SHOWN_S]
    if long:
        yield ""
        yield "time of requests, and the longest time without a line:"
    for request in long:
        yield f"  {request.total_s:8.1f} s  {request.request}  {request.text[:LONGEST]}"
        yield f"  {request.pause_s:8.1f} s    before {request.pause_before[:LONGEST]}"
