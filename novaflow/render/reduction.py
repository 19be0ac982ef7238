"""Which needs a drawing must show: those that do not follow from others."""

from collections.abc import Mapping

from novaflow.plan.graph import Graph


def reduce_needs(graph: Graph) -> Mapping[str, tuple[str, ...]]:
    """Return node name to the needs that no other need brings along, in order of declaration."""
    behind: dict[str, frozenset[str]] = {}  # everything a node needs, however indirectly
    reduced: dict[str, tuple[str, ...]] = {}
    for name in graph.order:
        needs = graph.nodes[name].needs
        implied = frozenset[str]().union(*(behind[need] for need in needs))
        behind[name] = needs | implied
        reduced[name] = tuple(need for need in graph.nodes if need in needs - implied)
    return {name: reduced[name] for name in graph.nodes}
