"""Timings as a Gantt chart in text."""

from textwrap import wrap

from novaflow.plan.timings import Ending, Span, Timings

_WIDEST_NAME = 30
_NARROWEST_CHART = 10
_NUMBERS = 17  # columns of the start, the duration and the space around them


def draw_timings(timings: Timings, columns: int) -> str:
    """Return the timings as text of at most ``columns`` columns; ``columns`` must be at least 60."""
    names = min(_WIDEST_NAME, max((len(span.node) for span in timings.spans), default=0))
    chart = max(_NARROWEST_CHART, columns - names - _NUMBERS)
    return "\n".join(
        (
            describe_execution(timings),
            "# critical, = not critical, . waiting for a pool, ! failed",
            "",
            f"{'':{names}}   start    took",
            *(_draw_span(span, timings, names, chart) for span in timings.spans),
            "",
            *_summarise(timings, columns),
        )
    )


def describe_execution(timings: Timings) -> str:
    """Return which execution it is, its number of nodes and its duration, as a title."""
    return f"{timings.workflow} of {timings.began:%Y-%m-%d %H:%M:%S}: {len(timings.spans)} nodes in {timings.elapsed_s:.1f} s"


def _draw_span(span: Span, timings: Timings, names: int, chart: int) -> str:
    scale = chart / timings.elapsed_s if timings.elapsed_s else 0.0
    free, start, end = (min(chart, round(second * scale)) for second in (span.start_s - span.waited_s, span.start_s, span.end_s))
    mark = "!" if span.ending is Ending.FAILED else "#" if span.node in timings.critical_path else "="
    # Every span is at least one column wide.
    start = min(start, chart - 1)
    bar = " " * min(free, start) + "." * (start - free) + mark * max(1, end - start)
    name = span.node if len(span.node) <= names else span.node[: names - 1] + "…"
    note = "" if span.ending in {Ending.UP, Ending.FAILED} else f" {span.ending}"
    return f"{name:<{names}} {span.start_s:7.1f} {span.took_s:7.1f} {bar}".rstrip() + (note if len(bar) + len(note) <= chart else "")


def _summarise(timings: Timings, columns: int) -> tuple[str, ...]:
    waited_s = sum(span.waited_s for span in timings.spans if span.node in timings.critical_path)
    used_s, cores = timings.cpu_s, timings.cores
    processors = [] if used_s is None else [f"{used_s / cores:.1f} s for {used_s:.1f} s of work on {cores} cores"]
    path = " > ".join(timings.critical_path)
    return (
        f"critical path  {timings.elapsed_s:.1f} s, {waited_s:.1f} s of it waiting for a pool",
        *(f"               {line}" for line in wrap(path, columns - 15, break_on_hyphens=False)),
        f"lower bound    {timings.lower_bound_s:.1f} s, the longer of",
        f"               {timings.chain_s:.1f} s for the longest chain of needs",
        *(f"               {line}" for line in processors),
        f"efficiency     {timings.efficiency:.0%}",
    )
