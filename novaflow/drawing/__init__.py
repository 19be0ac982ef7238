"""A graph as something to look at: pure functions from a graph to text."""

from collections.abc import Callable, Mapping

from novaflow.drawing.as_dot import draw_dot
from novaflow.drawing.as_json import draw_json
from novaflow.drawing.as_mermaid import draw_mermaid
from novaflow.drawing.as_svg import draw_svg
from novaflow.drawing.as_text import draw_text
from novaflow.plan.graph import Graph

DRAWINGS: Mapping[str, Callable[[Graph], str]] = {
    "text": draw_text,
    "mermaid": draw_mermaid,
    "dot": draw_dot,
    "svg": draw_svg,
    "json": draw_json,
}
