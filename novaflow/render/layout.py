"""The layout of a graph: layers from left to right, few crossings, short straight edges.

It follows Sugiyama's method: an edge that passes a layer gets a bend there, each layer is sorted by the mean position of its
neighbours, then heights are chosen without changing the order. All edges from one node share their bends.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import fmean

from novaflow.plan.graph import Graph
from novaflow.render.reduction import reduce_needs

Vertex = tuple[str, int]  # a node, or a bend of the edges from it: the name of the node and a layer
Edge = tuple[Vertex, Vertex]

_SWEEPS = 24  # more change nothing on graphs of a hundred nodes
_NODE_HEIGHT = 30.0
_BEND_HEIGHT = 11.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Layers of vertices with their heights, and edges between vertices of neighbouring layers; ``depth`` maps a node to its layer."""

    depth: Mapping[str, int]
    layers: Sequence[Sequence[Vertex]]
    heights: Mapping[Vertex, float]
    edges: Sequence[Edge]

    def is_node(self, vertex: Vertex) -> bool:
        """Return whether the vertex is a node, not a bend."""
        return self.depth[vertex[0]] == vertex[1]


def lay_out(graph: Graph) -> Layout:
    """Return the layout; heights start at 0."""
    needs = reduce_needs(graph)
    depth = _choose_layers(graph, needs)
    edges = tuple(dict.fromkeys(edge for name, them in needs.items() for need in them for edge in _pass_layers(need, name, depth)))
    vertices = dict.fromkeys([*depth.items(), *(vertex for edge in edges for vertex in edge)])
    before, after = _neighbours(edges), _neighbours((right, left) for left, right in edges)
    layers: list[list[Vertex]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for vertex in vertices:
        layers[vertex[1]].append(vertex)
    layers = _reduce_crossings(layers, before, after)
    thickness = {vertex: _NODE_HEIGHT if depth[vertex[0]] == vertex[1] else _BEND_HEIGHT for vertex in vertices}
    return Layout(depth, layers, _choose_heights(layers, before, after, thickness), edges)


def _choose_layers(graph: Graph, needs: Mapping[str, tuple[str, ...]]) -> Mapping[str, int]:
    """Return the layer of each node: after all its needs; nodes without needs are moved to the layer before their first dependent."""
    depth: dict[str, int] = {}
    for name in graph.order:
        depth[name] = 1 + max((depth[need] for need in needs[name]), default=-1)
    for name in (name for name in depth if not needs[name] and graph.dependents[name]):
        depth[name] = min(depth[dependent] for dependent in graph.dependents[name]) - 1
    return depth


def _pass_layers(need: str, name: str, depth: Mapping[str, int]) -> Iterator[Edge]:
    return pairwise([*((need, level) for level in range(depth[need], depth[name])), (name, depth[name])])


def _neighbours(edges: Iterable[Edge]) -> Mapping[Vertex, list[Vertex]]:
    found: dict[Vertex, list[Vertex]] = {}
    for left, right in edges:
        found.setdefault(right, []).append(left)
    return found


def _reduce_crossings(
    layers: list[list[Vertex]], before: Mapping[Vertex, list[Vertex]], after: Mapping[Vertex, list[Vertex]]
) -> list[list[Vertex]]:
    """Return the layers in the order that crossed least in a number of sweeps in both directions."""
    best, fewest = layers, _count_crossings(layers, after)
    for sweep in range(_SWEEPS):
        forwards = sweep % 2 == 0
        layers = _sweep(layers if forwards else layers[::-1], before if forwards else after)
        layers = layers if forwards else layers[::-1]
        crossings = _count_crossings(layers, after)
        if crossings < fewest:
            best, fewest = layers, crossings
    return best


def _sweep(layers: Sequence[list[Vertex]], neighbours: Mapping[Vertex, list[Vertex]]) -> list[list[Vertex]]:
    swept = [*layers[:1]]
    for layer in layers[1:]:
        place = {vertex: number for number, vertex in enumerate(swept[-1])}
        own = {vertex: float(number) for number, vertex in enumerate(layer)}
        swept.append(
            sorted(layer, key=lambda vertex: fmean(place[one] for one in neighbours[vertex]) if vertex in neighbours else own[vertex])
        )
    return swept


def _count_crossings(layers: Sequence[Sequence[Vertex]], after: Mapping[Vertex, list[Vertex]]) -> int:
    crossings = 0
    for left, right in pairwise(layers):
        place = {vertex: number for number, vertex in enumerate(right)}
        ends = [end for vertex in left for end in sorted(place[one] for one in after.get(vertex, ()))]
        crossings += sum(later < end for number, end in enumerate(ends) for later in ends[number + 1 :])
    return crossings


def _choose_heights(
    layers: Sequence[Sequence[Vertex]],
    before: Mapping[Vertex, list[Vertex]],
    after: Mapping[Vertex, list[Vertex]],
    thickness: Mapping[Vertex, float],
) -> Mapping[Vertex, float]:
    """Move each vertex to the mean of its neighbours; bends weigh more than nodes, so that long edges become straight."""
    stacks = [_stack([thickness[vertex] for vertex in layer]) for layer in layers]
    weights = [[_NODE_HEIGHT / thickness[vertex] for vertex in layer] for layer in layers]
    heights = {vertex: height for layer, stack in zip(layers, stacks, strict=True) for vertex, height in zip(layer, stack, strict=True)}
    for sweep in range(_SWEEPS):
        for number in range(len(layers))[:: 1 if sweep % 2 == 0 else -1]:
            near = [(*before.get(vertex, ()), *after.get(vertex, ())) or (vertex,) for vertex in layers[number]]
            desired = [fmean(heights[one] for one in vertices) for vertices in near]
            heights.update(zip(layers[number], _fit(desired, stacks[number], weights[number]), strict=True))
    top = min(heights.values(), default=0.0)
    return {vertex: height - top for vertex, height in heights.items()}


def _stack(thicknesses: Sequence[float]) -> Sequence[float]:
    """Return heights of adjacent vertices, centred on 0."""
    heights = [*accumulate(((above + below) / 2 for above, below in pairwise(thicknesses)), initial=0.0)]
    return [height - heights[-1] / 2 for height in heights]


def _fit(desired: Sequence[float], stack: Sequence[float], weights: Sequence[float]) -> Sequence[float]:
    """Return the heights closest to ``desired``, by least squares, that keep the order and the distances of ``stack``.

    After subtracting the stack's own heights, the result must not decrease: isotonic regression by pool adjacent violators.
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, count
    for height, least, own in zip(desired, stack, weights, strict=True):
        mean, weight, count = height - least, own, 1
        while pools and pools[-1][0] >= mean:
            above, heavy, more = pools.pop()
            mean, weight, count = (above * heavy + mean * weight) / (heavy + weight), heavy + weight, more + count
        pools.append((mean, weight, count))
    means = (mean for mean, _, count in pools for _ in range(count))
    return [mean + least for mean, least in zip(means, stack, strict=True)]
