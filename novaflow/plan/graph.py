"""The dependency graph of one workflow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from novaflow.errors import DependencyCycle
from novaflow.model.service import Part, Service
from novaflow.model.step import ConcurrencyPool


@dataclass(frozen=True, slots=True)
class Node:
    """A step or a service in a graph; ``needs`` are names of nodes."""

    name: str
    component: str
    part: Part
    needs: frozenset[str] = frozenset()

    @property
    def is_service(self) -> bool:
        """Return whether the node is a service."""
        return isinstance(self.part, Service)

    @property
    def pool(self) -> ConcurrencyPool:
        """Return the pool that limits how many such nodes start at once."""
        return self.part.pool


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes by name in the order of declaration, without cycles.

    ``layers`` holds the names in topological order: a node needs only nodes of earlier layers, and a layer is in the order
    of declaration. ``dependents`` maps a name to the names that need it directly.

    Raises: DependencyCycle.
    """

    workflow: str
    nodes: Mapping[str, Node]
    layers: tuple[tuple[str, ...], ...] = field(init=False)
    dependents: Mapping[str, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(_sort_layers(self.nodes)))
        dependents: dict[str, set[str]] = {name: set() for name in self.nodes}
        for node in self.nodes.values():
            for need in node.needs:
                dependents[need].add(node.name)
        object.__setattr__(self, "dependents", {name: frozenset(names) for name, names in dependents.items()})

    @property
    def order(self) -> tuple[str, ...]:
        """Return all names in topological order: every name after the names it needs."""
        return tuple(name for layer in self.layers for name in layer)

    def transitive_needs(self, *names: str) -> frozenset[str]:
        """Return all nodes that these nodes need, directly or indirectly."""
        found: set[str] = set()
        pending = [*names]
        while pending:
            needs = self.nodes[pending.pop()].needs - found
            found |= needs
            pending.extend(needs)
        return frozenset(found)

    def remaining_s(self, durations_s: Mapping[str, float]) -> Mapping[str, float]:
        """Return the longest path from each node to the end in seconds, including the node; an unknown duration counts as 1 s."""
        remaining: dict[str, float] = {}
        for name in reversed(self.order):
            longest_s = max((remaining[dependent] for dependent in self.dependents[name]), default=0.0)
            remaining[name] = durations_s.get(name, 1.0) + longest_s
        return remaining


def _sort_layers(nodes: Mapping[str, Node]) -> Iterator[tuple[str, ...]]:
    place = {name: number for number, name in enumerate(nodes)}
    # The order of a set differs between processes: sorted, the same graph reports the same cycle.
    sorter = TopologicalSorter({name: sorted(node.needs) for name, node in nodes.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        # graphlib lists a node before the nodes that need it, a walk lists it after them.
        raise DependencyCycle(tuple(reversed(error.args[1]))) from None
    while layer := sorter.get_ready():
        yield tuple(sorted(layer, key=place.__getitem__))
        sorter.done(*layer)
