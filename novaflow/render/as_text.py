"""A graph as text of 80 columns: one line for each node and its needs, layer by layer."""

from textwrap import wrap

from novaflow.plan.graph import Graph
from novaflow.render.reduction import reduce_needs

_COLUMNS = 80
_WIDEST_NAME = 34  # leaves half of the line for the needs


def draw_text(graph: Graph) -> str:
    """Return the graph as text; the nodes of one layer can run at once."""
    needs = reduce_needs(graph)
    widest = min(_WIDEST_NAME, max(map(len, graph.nodes), default=0))
    lines = [f"{graph.workflow}: {count_nodes(graph)} in {len(graph.layers)} layers (○ step, ● service, ← what it needs)"]
    for number, layer in enumerate(graph.layers, start=1):
        lines.append("")
        for place, node in enumerate(map(graph.nodes.__getitem__, layer)):
            head = f"{number if place == 0 else '':>3} {'●' if node.is_service else '○'} {node.name:<{widest}}"
            lines.extend(_write_node(head, needs[node.name], indent=widest + 7))
    return "\n".join(lines) + "\n"


def count_nodes(graph: Graph) -> str:
    """Return the numbers of steps and services as text."""
    services = sum(node.is_service for node in graph.nodes.values())
    steps = len(graph.nodes) - services
    return f"{steps} step{'s' * (steps != 1)} and {services} service{'s' * (services != 1)}"


def _write_node(head: str, needs: tuple[str, ...], indent: int) -> list[str]:
    if not needs:
        return [head.rstrip()]
    lines = wrap(", ".join(needs), _COLUMNS - indent - 2, break_long_words=False, break_on_hyphens=False)
    if len(head) >= indent:  # a name too long for its column gets a line of its own
        return [head, *(f"{'':{indent}}{'←' if place == 0 else ' '} {line}" for place, line in enumerate(lines))]
    return [f"{head if place == 0 else '':{indent}}{'←' if place == 0 else ' '} {line}" for place, line in enumerate(lines)]
