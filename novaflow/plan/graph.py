"""The graph of one workflow: nodes, what each needs, and in which order they can run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from novaflow.errors import DependencyCycle
from novaflow.model.service import Part, Service
from novaflow.model.step import ConcurrencyPool


@dataclass(frozen=True, slots=True)
class Node:
    """A step or a service at its place in the graph; ``needs`` are names of nodes."""

    name: str
    component: str
    part: Part
    needs: frozenset[str] = frozenset()

    @property
    def is_service(self) -> bool:
        """Return whether the node stays up once it is."""
        return isinstance(self.part, Service)

    @property
    def pool(self) -> ConcurrencyPool:
        """Return what the node uses up while it starts or runs."""
        return self.part.pool


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes by name, in the order they were declared; whoever holds one holds no cycle.

    Raises: DependencyCycle, with the walk.
    """

    workflow: str
    nodes: Mapping[str, Node]
    dependents: Mapping[str, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        if walk := _find_cycle({name: node.needs for name, node in self.nodes.items()}):
            raise DependencyCycle(walk)
        dependents: dict[str, set[str]] = {name: set() for name in self.nodes}
        for node in self.nodes.values():
            for need in node.needs:
                dependents[need].add(node.name)
        object.__setattr__(self, "dependents", {name: frozenset(them) for name, them in dependents.items()})

    def layers(self) -> Iterator[tuple[Node, ...]]:
        """Yield the nodes in layers: each needs only what stands in earlier ones."""
        depth: dict[str, int] = {}
        for name in self.in_order():
            depth[name] = 1 + max((depth[need] for need in self.nodes[name].needs), default=-1)
        for level in range(max(depth.values(), default=-1) + 1):
            yield tuple(node for name, node in self.nodes.items() if depth[name] == level)

    def in_order(self) -> tuple[str, ...]:
        """Return every name after the names it needs."""
        unplaced = {name: len(node.needs) for name, node in self.nodes.items()}
        placed = [name for name, count in unplaced.items() if count == 0]
        # Grows while it is walked; ends, because a graph holds no cycle.
        for name in placed:
            for dependent in sorted(self.dependents[name]):
                unplaced[dependent] -= 1
                if unplaced[dependent] == 0:
                    placed.append(dependent)
        return tuple(placed)

    def needed_by(self, *names: str) -> frozenset[str]:
        """Return every node that these need, however indirectly."""
        found: set[str] = set()
        waiting = [*names]
        while waiting:
            needs = self.nodes[waiting.pop()].needs - found
            found |= needs
            waiting.extend(needs)
        return frozenset(found)

    def remaining_s(self, durations_s: Mapping[str, float]) -> Mapping[str, float]:
        """Return each node's longest path to the end, its own duration included; 1 s where nothing was measured."""
        remaining: dict[str, float] = {}
        for name in reversed(self.in_order()):
            behind = max((remaining[dependent] for dependent in self.dependents[name]), default=0.0)
            remaining[name] = durations_s.get(name, 1.0) + behind
        return remaining


def _find_cycle(needs: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Return a walk that ends where it began, or nothing; without recursion, since a graph may be deep."""
    done: set[str] = set()
    for root in needs:
        walk: dict[str, Iterator[str]] = {}
        if root not in done:
            walk[root] = iter(sorted(needs[root]))
        while walk:
            name, rest = next(reversed(walk.items()))
            need = next(rest, None)
            if need is None:
                done.add(name)
                del walk[name]
            elif need in walk:
                names = [*walk]
                return (*names[names.index(need) :], need)
            elif need not in done:
                walk[need] = iter(sorted(needs[need]))
    return ()
