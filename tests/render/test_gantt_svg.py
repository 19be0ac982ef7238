"""Timings as a picture."""

from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from novaflow.plan.timings import Ending, Span
from novaflow.render.as_gantt_svg import choose_step_s, draw_timings_html, draw_timings_svg
from tests.render.test_gantt import TIMINGS

SVG = "{http://www.w3.org/2000/svg}"


def bars_of(drawn: str) -> dict[str, list[tuple[str, float, float]]]:
    """Return kind, start and width of the bars of each node, relative to the left end of the chart and in shares of its width."""
    root = ET.fromstring(drawn)  # noqa: S314 - our own output
    ticks = [float(text.get("x", "")) for text in root.iter(f"{SVG}text") if text.get("class") == "axis"]
    left, second = ticks[0], (ticks[-1] - ticks[0]) / 10  # the axis of TIMINGS ends at 10 s
    bars = {}
    for group in root.iter(f"{SVG}g"):
        name = next(text.text for text in group.iter(f"{SVG}text") if text.get("class") == "name")
        rectangles = [(one.get("class", ""), float(one.get("x", "")), float(one.get("width", ""))) for one in group.iter(f"{SVG}rect")]
        bars[str(name)] = [(kind, round((x - left) / second, 1), round(width / second, 1)) for kind, x, width in rectangles]
    return bars


def test_each_node_has_a_bar_to_scale() -> None:
    """The kinds differ: critical path, failures, what had nothing to do, waiting for a pool."""
    assert bars_of(draw_timings_svg(TIMINGS)) == {
        "db.create": [("critical", 0.0, 2.0)],
        "keys": [("skipped", 0.0, 1.0)],
        "web": [("waited", 2.0, 2.0), ("critical", 4.0, 6.0)],
        "mail": [("failed", 5.0, 1.0)],
    }


def test_names_are_escaped() -> None:
    """The picture is well-formed whatever a node is called."""
    strange = replace(TIMINGS, spans=(Span('a<b>&"c', 0, 2, 0, Ending.UP),))
    assert [*bars_of(draw_timings_svg(strange))] == ['a<b>&"c']


def test_an_empty_execution_is_drawn() -> None:
    """It has no bars."""
    empty = replace(TIMINGS, spans=(), elapsed_s=0, critical_path=(), chain_s=0)
    assert "0 nodes in 0.0 s" in draw_timings_svg(empty)


def test_a_page_contains_the_picture() -> None:
    """It loads nothing from anywhere."""
    found: list[tuple[str, dict[str, str | None]]] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, dict(attrs)))

    Parser().feed(draw_timings_html(TIMINGS))
    assert [tag for tag, _ in found][:3] == ["html", "head", "meta"]
    assert "svg" in [tag for tag, _ in found]
    assert not [attributes for _, attributes in found if {"src", "href"} & {*attributes}]


ROUND_S = {0.0: 0.001, 0.3: 0.05, 8.0: 1.0, 8.1: 2.0, 35.0: 5.0, 400.0: 50.0, 3000.0: 500.0}


@pytest.mark.parametrize(("elapsed_s", "step_s"), ROUND_S.items())
def test_ticks_are_round(elapsed_s: float, step_s: float) -> None:
    """There are at most nine."""
    assert choose_step_s(elapsed_s) == pytest.approx(step_s)
