"""The transitive reduction of a graph: the needs that no other need implies."""

from collections.abc import Mapping

from novaflow.plan.graph import Graph


def reduce_needs(graph: Graph) -> Mapping[str, tuple[str, ...]]:
    """Return node names with the needs that no other need implies, in the order of declaration."""
    transitive: dict[str, frozenset[str]] = {}  # all needs of a node, direct and indirect
    reduced: dict[str, tuple[str, ...]] = {}
    for name in graph.order:
        needs = graph.nodes[name].needs
        implied = frozenset[str]().union(*(transitive[need] for need in needs))
        transitive[name] = needs | implied
        reduced[name] = tuple(need for need in graph.nodes if need in needs - implied)
    return {name: reduced[name] for name in graph.nodes}
