"""Drawings of a graph: pure functions from a graph to text."""

from collections.abc import Callable, Mapping
from pathlib import PurePath

from novaflow.plan.graph import Graph
from novaflow.render.as_dot import draw_dot
from novaflow.render.as_json import draw_json
from novaflow.render.as_mermaid import draw_mermaid
from novaflow.render.as_svg import draw_svg
from novaflow.render.as_text import draw_text

DRAWINGS: Mapping[str, Callable[[Graph], str]] = {
    "text": draw_text,
    "mermaid": draw_mermaid,
    "dot": draw_dot,
    "svg": draw_svg,
    "json": draw_json,
}

_SUFFIXES = {".mmd": "mermaid", ".gv": "dot"} | {f".{name}": name for name in DRAWINGS}


def find_format(file: PurePath | None) -> str:
    """Return the format that a file's name stands for; text if it stands for none."""
    return _SUFFIXES.get(file.suffix, "text") if file else "text"
