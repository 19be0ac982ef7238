"""A graph as an SVG picture: layers from left to right, one colour for each component."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from xml.sax.saxutils import escape

from novaflow.plan.graph import Graph, Node
from novaflow.render.as_text import count_nodes
from novaflow.render.colours import Colours, choose_colours
from novaflow.render.layout import Layout, Vertex, lay_out

# Lengths are in user units, which are pixels at the natural size.
FONT = "11px 'DejaVu Sans Mono',ui-monospace,Menlo,Consolas,monospace"
LETTER = 6.63  # width of a character of DejaVu Sans Mono at 11, the widest of these fonts
_BOX = 22  # height of a node
_PADDING = 9  # between the border of a node and its text
_GAP = 56  # between columns, in which edges climb
_MARGIN = 24
_HEAD = 46  # height of the title

_STYLE = (
    f"text{{font:{FONT}}}"
    ".title{font-size:15px;font-weight:bold}.note{font:11px sans-serif;fill:#667}"
    "path{fill:none;stroke-width:1.3;opacity:.6}.part{opacity:.62}"
)


@dataclass(frozen=True, slots=True)
class _Column:
    left: float
    right: float


def draw_svg(graph: Graph) -> str:
    """Return the graph as a self-contained SVG document."""
    layout = lay_out(graph)
    columns = _place_columns(layout)
    colours = choose_colours(graph)
    title = f"{graph.workflow}: {count_nodes(graph)}"
    width = max(columns[-1].right if columns else 0, _MARGIN + len(title) * 9.1 + 150) + _MARGIN
    height = _HEAD + max(layout.heights.values(), default=0) + _BOX + _MARGIN
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            '<rect width="100%" height="100%" fill="#fff"/>',
            f'<text class="title" x="{_MARGIN}" y="26">{escape(title)} <tspan class="note">box: step, pill: service</tspan></text>',
            *_draw_edges(graph, layout, columns, colours),
            *_draw_nodes(graph, layout, columns, colours),
            "</svg>\n",
        )
    )


def _place_columns(layout: Layout) -> Sequence[_Column]:
    widths = [max(_width(vertex[0]) for vertex in layer if layout.is_node(vertex)) for layer in layout.layers]
    lefts = accumulate(widths, lambda left, width: left + width + _GAP, initial=float(_MARGIN))
    return [_Column(left, left + width) for left, width in zip(lefts, widths, strict=False)]


def _width(name: str) -> float:
    return len(name) * LETTER + 2 * _PADDING


def _draw_edges(graph: Graph, layout: Layout, columns: Sequence[_Column], colours: Mapping[str, Colours]) -> Iterator[str]:
    for left, right in layout.edges:
        colour = colours[graph.nodes[left[0]].component].line
        yield f'<path d="{_draw_edge(layout, columns, left, right)}" stroke="{colour}"/>'
        if layout.is_node(right):
            yield f'<path d="M{columns[right[1]].left:.1f} {_middle(layout, right):.1f}l-6 -3.5v7z" style="fill:{colour};opacity:1"/>'
    # All edges of a node share one line where they pass a column, and from the node to the border of its column.
    for vertex in dict.fromkeys(left for left, _ in layout.edges):
        column = columns[vertex[1]]
        start = column.left + _width(vertex[0]) if layout.is_node(vertex) else column.left
        colour = colours[graph.nodes[vertex[0]].component].line
        yield f'<path d="M{start:.1f} {_middle(layout, vertex):.1f}H{column.right:.1f}" stroke="{colour}"/>'


def _draw_edge(layout: Layout, columns: Sequence[_Column], left: Vertex, right: Vertex) -> str:
    x, y, to_x, to_y = columns[left[1]].right, _middle(layout, left), columns[right[1]].left, _middle(layout, right)
    half = (x + to_x) / 2
    return f"M{x:.1f} {y:.1f}C{half:.1f} {y:.1f} {half:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"


def _middle(layout: Layout, vertex: Vertex) -> float:
    return _HEAD + _BOX / 2 + layout.heights[vertex]


def _draw_nodes(graph: Graph, layout: Layout, columns: Sequence[_Column], colours: Mapping[str, Colours]) -> Iterator[str]:
    for column, layer in zip(columns, layout.layers, strict=True):
        for vertex in filter(layout.is_node, layer):
            node = graph.nodes[vertex[0]]
            yield _draw_node(node, column.left, _middle(layout, vertex), colours[node.component])


def _draw_node(node: Node, x: float, y: float, shades: Colours) -> str:
    fill, radius, stroke = (shades.service, _BOX / 2, 2) if node.is_service else (shades.step, 4, 1)
    component, dot, own = node.name.rpartition(".")
    label = f'<tspan class="part">{escape(component + dot)}</tspan>{escape(own)}'
    return (
        f"<g><title>{escape(node.part.summary)}</title>"
        f'<rect x="{x:.1f}" y="{y - _BOX / 2:.1f}" width="{_width(node.name):.1f}" height="{_BOX}" rx="{radius:g}" '
        f'fill="{fill}" stroke="{shades.line}" stroke-width="{stroke}"/>'
        f'<text x="{x + _PADDING:.1f}" y="{y + 3.8:.1f}" fill="{shades.ink}">{label}</text></g>'
    )
