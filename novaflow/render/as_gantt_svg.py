"""Timings as a Gantt chart: an SVG picture, alone or in an HTML page."""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from novaflow.plan.timings import Ending, Span, Timings
from novaflow.render.as_gantt import describe_execution
from novaflow.render.as_svg import FONT, LETTER

# Lengths are in user units, which are pixels at the natural size.
_CHART = 860  # width of the longest bar
_ROW, _BAR = 17, 11  # heights
_MARGIN = 20
_HEAD = 92  # height of title, summary, legend and axis
_FOOT = 26
_TICKS = 8  # at most
_STEPS_S = (1, 2, 5)  # between ticks, and ten, a hundred, … times as much
_LONGEST_NOTE = 16  # characters behind a bar: its duration and how it ended

_STYLE = (
    f"text{{font:{FONT};fill:#223}}"
    ".title{font-size:15px;font-weight:bold}.note,.axis{fill:#556}.name{text-anchor:end}"
    ".grid{stroke:#dde;stroke-width:1}.critical{fill:#d95f02}.other{fill:#6b93c4}.skipped{fill:#b9bfca}.failed{fill:#b3122a}"
    ".waited{fill:#eceff5}"
)
_LEGEND = {"critical": "on the critical path", "other": "not on it", "skipped": "nothing to do", "failed": "failed", "waited": "waits"}


def draw_timings_svg(timings: Timings) -> str:
    """Return the timings as a self-contained SVG document."""
    left = _MARGIN + max((len(span.node) for span in timings.spans), default=0) * LETTER + 8
    width = left + _CHART + _LONGEST_NOTE * LETTER + _MARGIN
    bottom = _HEAD + len(timings.spans) * _ROW
    title = describe_execution(timings)
    size = f'viewBox="0 0 {width:.0f} {bottom + _FOOT}" width="{width:.0f}" height="{bottom + _FOOT}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            '<rect width="100%" height="100%" fill="#fff"/>',
            f'<text class="title" x="{_MARGIN}" y="26">{escape(title)}</text>',
            f'<text class="note" x="{_MARGIN}" y="44">{escape(_summarise(timings))}</text>',
            *_draw_legend(),
            *_draw_axis(timings.elapsed_s, left, bottom),
            *(line for row, span in enumerate(timings.spans) for line in _draw_span(span, timings, left, _HEAD + row * _ROW)),
            "</svg>\n",
        )
    )


def draw_timings_html(timings: Timings) -> str:
    """Return the timings as a self-contained HTML page."""
    picture = draw_timings_svg(timings)
    head = f'<meta charset="utf-8"><title>novaflow: {escape(timings.workflow)}</title>'
    return f'<!doctype html>\n<html lang="en">\n<head>{head}</head>\n<body>\n{picture}</body>\n</html>\n'


def _summarise(timings: Timings) -> str:
    used_s, cores = timings.cpu_s, timings.cores
    processors = "" if used_s is None else f"; {used_s:.1f} s of processor time on {cores} cores"
    return f"lower bound {timings.lower_bound_s:.1f} s, efficiency {timings.efficiency:.0%}{processors}"


def _draw_legend() -> Iterator[str]:
    x = float(_MARGIN)
    for kind, text in _LEGEND.items():
        yield f'<rect class="{kind}" x="{x:.1f}" y="54" width="{_BAR}" height="{_BAR}"/>'
        yield f'<text class="note" x="{x + _BAR + 5:.1f}" y="63.5">{text}</text>'
        x += _BAR + 5 + len(text) * LETTER + 18


def _draw_axis(elapsed_s: float, left: float, bottom: float) -> Iterator[str]:
    step_s = choose_step_s(elapsed_s)
    for tick in range(int(elapsed_s / step_s) + 1):
        x = left + _scale(tick * step_s, elapsed_s)
        yield f'<path class="grid" d="M{x:.1f} {_HEAD - 4}V{bottom}"/>'
        yield f'<text class="axis" x="{x:.1f}" y="{_HEAD - 9}">{tick * step_s:g} s</text>'


def choose_step_s(elapsed_s: float) -> float:
    """Return the time between two ticks of the axis: the shortest round one with which there are few ticks."""
    power = 0.001
    while True:
        for step in _STEPS_S:
            if elapsed_s / (step * power) <= _TICKS:
                return step * power
        power *= 10


def _scale(second: float, elapsed_s: float) -> float:
    return _CHART * min(second / elapsed_s, 1.0) if elapsed_s else 0.0


def _draw_span(span: Span, timings: Timings, left: float, top: float) -> Iterator[str]:
    free, start, end = (left + _scale(second, timings.elapsed_s) for second in (span.start_s - span.waited_s, span.start_s, span.end_s))
    critical = span.node in timings.critical_path
    kind = str(span.ending) if span.ending in {Ending.FAILED, Ending.SKIPPED} else "critical" if critical else "other"
    ending = "" if span.ending is Ending.UP else f" {span.ending}"
    place, bar = top + (_ROW - _BAR) / 2, max(1.5, end - start)
    text = f"{span.node}: {span.took_s:.1f} s, from {span.start_s:.1f} to {span.end_s:.1f} s{ending}"
    yield f"<g><title>{escape(text)}</title>"
    yield f'<text class="name" x="{left - 8:.1f}" y="{top + 12:.1f}">{escape(span.node)}</text>'
    if start > free:
        yield f'<rect class="waited" x="{free:.1f}" y="{place:.1f}" width="{start - free:.1f}" height="{_BAR}"/>'
    yield f'<rect class="{kind}" x="{start:.1f}" y="{place:.1f}" width="{bar:.1f}" height="{_BAR}" rx="1.5"/>'
    yield f'<text class="note" x="{start + bar + 6:.1f}" y="{top + 12:.1f}">{span.took_s:.1f} s{ending}</text></g>'
