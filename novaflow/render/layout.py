"""Where the nodes of a graph stand: layers from left to right, few crossings, short straight lines.

The steps are those of Sugiyama's method: a line that passes a layer gets a bend there, each layer is sorted by the mean
place of its neighbours, then heights follow the neighbours without changing the order. All lines from one node share
their bends, so that they leave as one and part where they must.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import fmean

from novaflow.plan.graph import Graph
from novaflow.render.reduction import reduce_needs

Spot = tuple[str, int]  # where a node stands, or the lines from it bend: its name and a layer
Link = tuple[Spot, Spot]

_SWEEPS = 24  # more change nothing on graphs of a hundred nodes
_NODE_HEIGHT = 30.0
_BEND_HEIGHT = 11.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Layers of spots with a height each, and links between spots of neighbouring layers; ``depth`` maps a node to its layer."""

    depth: Mapping[str, int]
    layers: Sequence[Sequence[Spot]]
    heights: Mapping[Spot, float]
    links: Sequence[Link]

    def is_node(self, spot: Spot) -> bool:
        """Return whether a node stands there, and not only a line passes."""
        return self.depth[spot[0]] == spot[1]


def lay_out(graph: Graph) -> Layout:
    """Return the places of all nodes and lines; heights start at 0."""
    needs = reduce_needs(graph)
    depth = _choose_layers(graph, needs)
    links = tuple(dict.fromkeys(link for name, them in needs.items() for need in them for link in _pass_layers(need, name, depth)))
    spots = dict.fromkeys([*depth.items(), *(spot for link in links for spot in link)])
    before, after = _neighbours(links), _neighbours((right, left) for left, right in links)
    layers: list[list[Spot]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for spot in spots:
        layers[spot[1]].append(spot)
    layers = _untangle(layers, before, after)
    thickness = {spot: _NODE_HEIGHT if depth[spot[0]] == spot[1] else _BEND_HEIGHT for spot in spots}
    return Layout(depth, layers, _choose_heights(layers, before, after, thickness), links)


def _choose_layers(graph: Graph, needs: Mapping[str, tuple[str, ...]]) -> Mapping[str, int]:
    """Return each node's layer: behind all its needs, and those that need nothing right before they are needed."""
    depth: dict[str, int] = {}
    for name in graph.order:
        depth[name] = 1 + max((depth[need] for need in needs[name]), default=-1)
    for name in (name for name in depth if not needs[name] and graph.dependents[name]):
        depth[name] = min(depth[dependent] for dependent in graph.dependents[name]) - 1
    return depth


def _pass_layers(need: str, name: str, depth: Mapping[str, int]) -> Iterator[Link]:
    return pairwise([*((need, level) for level in range(depth[need], depth[name])), (name, depth[name])])


def _neighbours(links: Iterable[Link]) -> Mapping[Spot, list[Spot]]:
    found: dict[Spot, list[Spot]] = {}
    for left, right in links:
        found.setdefault(right, []).append(left)
    return found


def _untangle(layers: list[list[Spot]], before: Mapping[Spot, list[Spot]], after: Mapping[Spot, list[Spot]]) -> list[list[Spot]]:
    """Return the layers with their spots in the order that crossed least in a number of sweeps to and fro."""
    best, fewest = layers, _count_crossings(layers, after)
    for clean_up in range(_SWEEPS):
        forth = clean_up % 2 == 0
        layers = _sweep(layers if forth else layers[::-1], before if forth else after)
        layers = layers if forth else layers[::-1]
        crossings = _count_crossings(layers, after)
        if crossings < fewest:
            best, fewest = layers, crossings
    return best


def _sweep(layers: Sequence[list[Spot]], neighbours: Mapping[Spot, list[Spot]]) -> list[list[Spot]]:
    swept = [*layers[:1]]
    for layer in layers[1:]:
        place = {spot: number for number, spot in enumerate(swept[-1])}
        own = {spot: float(number) for number, spot in enumerate(layer)}
        swept.append(sorted(layer, key=lambda spot: fmean(place[one] for one in neighbours[spot]) if spot in neighbours else own[spot]))
    return swept


def _count_crossings(layers: Sequence[Sequence[Spot]], after: Mapping[Spot, list[Spot]]) -> int:
    crossings = 0
    for left, right in pairwise(layers):
        place = {spot: number for number, spot in enumerate(right)}
        ends = [end for spot in left for end in sorted(place[one] for one in after.get(spot, ()))]
        crossings += sum(later < end for number, end in enumerate(ends) for later in ends[number + 1 :])
    return crossings


def _choose_heights(
    layers: Sequence[Sequence[Spot]], before: Mapping[Spot, list[Spot]], after: Mapping[Spot, list[Spot]], thickness: Mapping[Spot, float]
) -> Mapping[Spot, float]:
    """Pull every spot to the mean of its neighbours, a bend more strongly than a node: long lines become straight."""
    stacks = [_stack([thickness[spot] for spot in layer]) for layer in layers]
    weights = [[_NODE_HEIGHT / thickness[spot] for spot in layer] for layer in layers]
    heights = {spot: height for layer, stack in zip(layers, stacks, strict=True) for spot, height in zip(layer, stack, strict=True)}
    for clean_up in range(_SWEEPS):
        for number in range(len(layers))[:: 1 if clean_up % 2 == 0 else -1]:
            near = [(*before.get(spot, ()), *after.get(spot, ())) or (spot,) for spot in layers[number]]
            wanted = [fmean(heights[one] for one in spots) for spots in near]
            heights.update(zip(layers[number], _settle(wanted, stacks[number], weights[number]), strict=True))
    top = min(heights.values(), default=0.0)
    return {spot: height - top for spot, height in heights.items()}


def _stack(thicknesses: Sequence[float]) -> Sequence[float]:
    """Return heights one right below the other, around 0."""
    heights = [*accumulate(((above + below) / 2 for above, below in pairwise(thicknesses)), initial=0.0)]
    return [height - heights[-1] / 2 for height in heights]


def _settle(wanted: Sequence[float], stack: Sequence[float], weights: Sequence[float]) -> Sequence[float]:
    """Return the heights nearest to the wanted ones, by least squares, that keep the stack's order and distances.

    With the stack's own heights taken off, they only must not fall: pool adjacent violators.
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for want, least, own in zip(wanted, stack, weights, strict=True):
        mean, weight, count = want - least, own, 1
        while pools and pools[-1][0] >= mean:
            above, heavy, more = pools.pop()
            mean, weight, count = (above * heavy + mean * weight) / (heavy + weight), heavy + weight, more + count
        pools.append((mean, weight, count))
    means = (mean for mean, _, count in pools for _ in range(count))
    return [mean + least for mean, least in zip(means, stack, strict=True)]
