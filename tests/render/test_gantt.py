"""Timings as a Gantt chart."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from novaflow.plan.timings import Ending, Span, Timings
from novaflow.render.as_gantt import draw_timings

TIMINGS = Timings(
    workflow="run",
    began=datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
    elapsed_s=10,
    spans=(
        Span("db.create", 0, 2, 0, Ending.UP),
        Span("keys", 0, 1, 0, Ending.SKIPPED),
        Span("web", 4, 10, 2, Ending.UP),
        Span("mail", 5, 6, 0, Ending.FAILED),
    ),
    critical_path=("db.create", "web"),
    chain_s=8,
    cores=2,
)


def test_a_chart_of_46_columns() -> None:
    """Each node has a bar to scale, with marks for the critical path, for waiting and for failures."""
    assert draw_timings(TIMINGS, 46).splitlines() == [
        "run of 2026-11-22 09:00:00: 4 nodes in 10.0 s",
        "# critical, = not critical, . waiting for a pool, ! failed",
        "",
        "            start    took",
        "db.create     0.0     2.0 ####",
        "keys          0.0     1.0 == skipped",
        "web           4.0     6.0     ....############",
        "mail          5.0     1.0           !!",
        "",
        "critical path  10.0 s, 2.0 s of it waiting for a pool",
        "               db.create > web",
        "lower bound    8.0 s, the longer of",
        "               8.0 s for the longest chain of needs",
        "efficiency     80%",
    ]


def test_processor_time_is_shown_if_measured() -> None:
    """The lower bound names its parts."""
    drawn = draw_timings(replace(TIMINGS, cpu_s=18.0), 80)
    assert "lower bound    9.0 s, the longer of\n" in drawn
    assert "\n               9.0 s for 18.0 s of work on 2 cores\n" in drawn


@pytest.mark.parametrize("columns", [66, 80, 200])
def test_the_chart_fits_the_terminal(columns: int) -> None:
    """No line is longer than the terminal is wide."""
    many = tuple(Span(f"component-{number}.with-a-rather-long-name", number, number + 3, 1, Ending.OPEN) for number in range(40))
    drawn = draw_timings(replace(TIMINGS, spans=many, elapsed_s=43, critical_path=tuple(span.node for span in many)), columns)
    assert max(map(len, drawn.splitlines())) <= columns


def test_an_empty_execution_is_drawn() -> None:
    """An execution without nodes has a chart without rows."""
    empty = replace(TIMINGS, spans=(), elapsed_s=0, critical_path=(), chain_s=0)
    assert draw_timings(empty, 80).splitlines()[0] == "run of 2026-11-22 09:00:00: 0 nodes in 0.0 s"


def test_a_short_span_is_visible() -> None:
    """A span shorter than a column is drawn as one."""
    short = replace(TIMINGS, spans=(Span("end", 10, 10, 0, Ending.UP), Span("all", 0, 0, 0, Ending.UP)), elapsed_s=0)
    assert draw_timings(short, 80).count("=") == 3
