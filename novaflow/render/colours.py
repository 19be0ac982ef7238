"""A colour for each component."""

from collections.abc import Mapping
from colorsys import hls_to_rgb
from dataclasses import dataclass

from novaflow.plan.graph import Graph

_GOLDEN = 0.618034  # of the circle: neighbours in the list are far apart on it, however long the list


@dataclass(frozen=True, slots=True)
class Colours:
    """What a component's nodes are drawn with, as ``#rrggbb``."""

    step: str
    service: str
    line: str
    ink: str


def choose_colours(graph: Graph) -> Mapping[str, Colours]:
    """Return component name to its colours; the same graph gets the same ones."""
    components = dict.fromkeys(node.component for node in graph.nodes.values())
    return {name: _shades(0.58 + place * _GOLDEN) for place, name in enumerate(components)}


def _shades(hue: float) -> Colours:
    return Colours(_hex(hue, 0.95, 0.7), _hex(hue, 0.84, 0.65), _hex(hue, 0.52, 0.45), _hex(hue, 0.22, 0.5))


def _hex(hue: float, lightness: float, saturation: float) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in hls_to_rgb(hue % 1, lightness, saturation))
