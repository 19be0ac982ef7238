"""A graph as JSON, with all needs."""

import json

from novaflow.model.service import Service
from novaflow.plan.graph import Graph, Node


def draw_json(graph: Graph) -> str:
    """Return the graph as one JSON object."""
    nodes = [_describe(node) for node in graph.nodes.values()]
    return json.dumps({"workflow": graph.workflow, "nodes": nodes}, indent=1, ensure_ascii=False) + "\n"


def _describe(node: Node) -> dict[str, object]:
    part = node.part
    return {
        "name": node.name,
        "kind": "service" if node.is_service else "step",
        "component": node.component,
        "summary": part.summary,
        "needs": sorted(node.needs),
        "pool": node.pool.value,
        "within_s": part.within_s,
        "port": part.port if isinstance(part, Service) else None,
    }
