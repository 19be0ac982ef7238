"""Colours of components."""

from collections.abc import Mapping
from colorsys import hls_to_rgb
from dataclasses import dataclass

from novaflow.plan.graph import Graph

_GOLDEN = 0.618034  # of the circle: consecutive components get clearly different hues


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours of a component's nodes, as ``#rrggbb``."""

    step: str
    service: str
    line: str
    ink: str


def choose_colours(graph: Graph) -> Mapping[str, Colours]:
    """Return the colours by name of component; the same graph gets the same colours."""
    components = dict.fromkeys(node.component for node in graph.nodes.values())
    return {name: _shades(0.58 + place * _GOLDEN) for place, name in enumerate(components)}


def _shades(hue: float) -> Colours:
    return Colours(_hex(hue, 0.95, 0.7), _hex(hue, 0.84, 0.65), _hex(hue, 0.52, 0.45), _hex(hue, 0.22, 0.5))


def _hex(hue: float, lightness: float, saturation: float) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in hls_to_rgb(hue % 1, lightness, saturation))
