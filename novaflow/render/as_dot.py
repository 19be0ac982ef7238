"""A graph in the DOT language of Graphviz."""

from novaflow.plan.graph import Graph
from novaflow.render.colours import choose_colours
from novaflow.render.reduction import reduce_needs


def draw_dot(graph: Graph) -> str:
    """Return the graph in the DOT language."""
    colours = choose_colours(graph)
    lines = [
        f"digraph {_quote(graph.workflow)} {{",
        '  rankdir=LR; node [shape=box, style="rounded,filled", fontname="monospace", fontsize=10]; edge [color="#8a8f98", arrowsize=0.6];',
    ]
    for name, node in graph.nodes.items():
        shades = colours[node.component]
        fill, width = (shades.service, 2) if node.is_service else (shades.step, 1)
        style = f'fillcolor="{fill}", color="{shades.line}", penwidth={width}, tooltip={_quote(node.part.summary)}'
        lines.append(f"  {_quote(name)} [{style}];")
    lines.extend(f"  {_quote(need)} -> {_quote(name)};" for name, needs in reduce_needs(graph).items() for need in needs)
    return "\n".join([*lines, "}", ""])


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
