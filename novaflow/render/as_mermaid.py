"""A graph as a Mermaid flowchart."""

from novaflow.plan.graph import Graph
from novaflow.render.colours import choose_colours
from novaflow.render.reduction import reduce_needs


def draw_mermaid(graph: Graph) -> str:
    """Return the graph as a Mermaid flowchart: boxes are steps, pills are services."""
    ids = {name: f"n{place}" for place, name in enumerate(graph.nodes)}
    colours = choose_colours(graph)
    classes = {component: f"c{place}" for place, component in enumerate(colours)}
    lines = ["flowchart LR"]
    for name, node in graph.nodes.items():
        opening, closing = ("([", "])") if node.is_service else ("[", "]")
        lines.append(f'  {ids[name]}{opening}"{_escape(name)}"{closing}:::{classes[node.component]}')
    lines.extend(f"  {ids[need]} --> {ids[name]}" for name, needs in reduce_needs(graph).items() for need in needs)
    lines.extend(
        f"  classDef {classes[component]} fill:{shades.service},stroke:{shades.line},color:{shades.ink}"
        for component, shades in colours.items()
    )
    return "\n".join([*lines, ""])


def _escape(text: str) -> str:
    # Mermaid has entity codes instead of escapes for quotes.
    return text.replace("#", "#35;").replace('"', "#quot;")
