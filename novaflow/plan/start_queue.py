"""The nodes of a plan that can start, and the limits on how many start at once."""

from collections import Counter
from collections.abc import Mapping
from heapq import heappop, heappush

from novaflow.model.step import ConcurrencyPool
from novaflow.plan.graph import Graph


class StartQueue:
    """Nodes whose needs are up, in the order of their start.

    ``limits`` are the numbers of nodes of a pool that start at once; a pool without a limit is unlimited. Among the nodes of the
    pools that are not full, the one with the longest remaining path, computed from ``durations_s``, is the first.
    """

    def __init__(self, graph: Graph, limits: Mapping[ConcurrencyPool, int], durations_s: Mapping[str, float]) -> None:
        self._graph, self._limits = graph, limits
        self._remaining_s = graph.remaining_s(durations_s)
        self._starting: Counter[ConcurrencyPool] = Counter()
        self._heaps: dict[ConcurrencyPool, list[tuple[float, str]]] = {pool: [] for pool in ConcurrencyPool}
        self._reasons: dict[str, str] = {}

    def add(self, name: str, reason: str) -> None:
        """Add a node that can start."""
        self._reasons[name] = reason
        # The name makes the order the same in every execution.
        heappush(self._heaps[self._graph.nodes[name].pool], (-self._remaining_s[name], name))

    def pop(self) -> tuple[str, str] | None:
        """Remove and return the next node and the reason of its start; ``None`` if no node can start now."""
        heaps = [heap for pool, heap in self._heaps.items() if heap and self._has_capacity(pool)]
        if not heaps:
            return None
        _, name = heappop(min(heaps))
        return name, self._reasons[name]

    def count_starting(self, name: str, change: int) -> None:
        """Count a node that begins (1) or ends (-1) to start."""
        self._starting[self._graph.nodes[name].pool] += change

    def _has_capacity(self, pool: ConcurrencyPool) -> bool:
        return self._starting[pool] < self._limits.get(pool, len(self._graph.nodes))
