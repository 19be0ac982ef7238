"""Two executions side by side."""

from dataclasses import replace
from datetime import UTC, datetime

from novaflow.plan.timings import Ending, Span, Timings
from novaflow.render.as_comparison import draw_comparison


def timings(hour: int, elapsed_s: float, **durations_s: float) -> Timings:
    """Return an execution of these nodes, all of which start at once."""
    spans = tuple(Span(node, 0, took_s, 0, Ending.UP) for node, took_s in durations_s.items())
    return Timings("run", datetime(2026, 11, 28, hour, tzinfo=UTC), elapsed_s, spans, (), 0, 2)


def test_the_largest_difference_is_first() -> None:
    """Then the totals and the number of nodes that are about the same; nodes of one execution have a dash in the other."""
    before = timings(9, 31.5, dhcp=6.1, web=8.0, old=2.0, keys=0.4)
    now = timings(10, 66.9, dhcp=51.7, web=7.4, new=3.0, keys=0.8)
    assert draw_comparison(before, now).splitlines() == [
        "run of 2026-11-28 10:00:00, compared with that of 2026-11-28 09:00:00",
        "",
        "       before     now   change",
        "dhcp      6.1    51.7    +45.6",
        "new         -     3.0     +3.0",
        "old       2.0       -     -2.0",
        "web       8.0     7.4     -0.6",
        "total    31.5    66.9    +35.4",
        "",
        "other nodes: 1, each with a difference of less than 0.5 s",
    ]


def test_executions_without_a_difference_have_totals_only() -> None:
    """What is noise is not listed."""
    before = timings(9, 1.0, web=1.0)
    drawn = draw_comparison(before, before).splitlines()[3:]
    assert drawn == ["total     1.0     1.0     +0.0", "", "other nodes: 1, each with a difference of less than 0.5 s"]
    empty = replace(before, spans=(), elapsed_s=0)
    assert draw_comparison(empty, empty).splitlines()[3:] == ["total     0.0     0.0     +0.0"]


def test_a_long_name_is_shortened() -> None:
    """Lines fit into 80 columns."""
    drawn = draw_comparison(timings(9, 1.0), timings(10, 1.0, **{"n" * 60: 1.0}))
    assert f"{'n' * 39}…       -     1.0     +1.0" in drawn
    assert max(map(len, drawn.splitlines())) <= 80
