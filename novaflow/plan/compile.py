"""From components and a workflow's name to a graph, with every need found or refused."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from novaflow.errors import ComponentUnknown, NameShared, NeedUnknown, PortShared, UsageError
from novaflow.model.component import Component
from novaflow.model.service import Service
from novaflow.model.settings import Settings
from novaflow.model.step import EVERYTHING, Step
from novaflow.plan.graph import Graph, Node

DEFAULT = "default"  # in NOVAFLOW_SERVICES


def select_components(components: Iterable[Component], wanted: Collection[str], settings: "Settings") -> tuple[Component, ...]:
    """Return the components of the stack: those in ``wanted``, those that they need, and those that only support these.

    ``DEFAULT`` in ``wanted``, or no name at all, stands for every component that runs by default. A component without
    services supports others: it is part of the stack if all its needs are.

    Raises: ComponentUnknown, if a name is neither a component's nor an alias of one.
    """
    able = {component.name: component for component in components if component.when(settings)}
    by_default = [name for name, component in able.items() if component.default]
    names = [resolve_name(name, components) for name in wanted if name != DEFAULT]
    if not wanted or DEFAULT in wanted:
        names += by_default
    needs = {name: _needed_components(component, able, settings) for name, component in able.items()}
    chosen: set[str] = set()
    waiting = [name for name in names if name in able]
    while waiting:
        name = waiting.pop()
        if name not in chosen:
            chosen.add(name)
            waiting.extend(needs[name])
    helpers = {name for name in by_default if not _has_service(able[name])}
    # Again until nothing changes: one may need another that comes later.
    while joining := {name for name in helpers - chosen if needs[name] <= chosen | {name}}:
        chosen |= joining
    return tuple(component for name, component in able.items() if name in chosen)


def _has_service(component: Component) -> bool:
    return any(isinstance(part, Service) for parts in component.parts.values() for part in parts)


def resolve_name(name: str, components: Iterable[Component]) -> str:
    """Return the component's name of today for one of today's or of nova.sh's.

    Raises: ComponentUnknown, with the nearest name there is.
    """
    known = {alias: component.name for component in components for alias in (component.name, *component.aliases)}
    if name not in known:
        raise ComponentUnknown(name, _nearest(name, known))
    return known[name]


def find_services(name: str, graph: Graph, components: Iterable[Component]) -> tuple[str, ...]:
    """Return the services of the graph that a component, by any of its names, runs, or the one of that name.

    Raises: ComponentUnknown, with the nearest name there is; UsageError, if the component runs none.
    """
    known = {alias: component.name for component in components for alias in (component.name, *component.aliases)}
    services = {node.name: node.component for node in graph.nodes.values() if node.is_service}
    if name not in known and name not in services:
        raise ComponentUnknown(name, _nearest(name, {*known, *services}))
    found = tuple(service for service, component in services.items() if component == known.get(name)) or (name,)
    if not set(found) <= set(services):
        raise UsageError(f"{name} runs no service; those that run are: {', '.join(services)}")
    return found


def compile_graph(workflow: str, components: Iterable[Component], settings: "Settings") -> Graph:
    """Return the graph of the parts of that workflow.

    Raises: NameShared, NeedUnknown, PortShared, DependencyCycle.
    """
    components = tuple(components)
    nodes: dict[str, Node] = {}
    for node in (node for component in components for node in _nodes_of(component, workflow, settings)):
        if nodes.setdefault(node.name, node) is not node:
            raise NameShared(node.name, nodes[node.name].component, node.component)
    # A need on something that exists but takes no part in this workflow is met already.
    elsewhere = {component.name for component in components} | {
        _node_name(component, part) for component in components for parts in component.parts.values() for part in parts
    }
    last = {node.name for node in nodes.values() if EVERYTHING in node.part.needs}
    members = {
        component.name: [node.name for node in nodes.values() if node.component == component.name and node.name not in last]
        for component in components
    }

    def resolve(node: Node) -> Node:
        found: set[str] = set()
        for need in (*node.part.needs, *node.part.after):
            if need == EVERYTHING:
                found.update(nodes.keys() - last)
            elif need in nodes:
                found.add(need)
            elif need in members:
                found.update(members[need])
            elif need not in elsewhere and need in node.part.needs:
                raise NeedUnknown(node.name, need, _nearest(need, elsewhere))
        return Node(node.name, node.component, node.part, frozenset(found))

    graph = Graph(workflow, {name: resolve(node) for name, node in nodes.items()})
    _refuse_shared_ports(graph)
    return graph


def _nodes_of(component: Component, workflow: str, settings: "Settings") -> Iterable[Node]:
    for part in component.parts.get(workflow, ()):
        if part.when(settings):
            yield Node(_node_name(component, part), component.name, part)


def _node_name(component: Component, part: Step | Service) -> str:
    return part.name if isinstance(part, Service) else f"{component.name}.{part.name}"


def _needed_components(component: Component, able: Mapping[str, Component], settings: "Settings") -> set[str]:
    home = {_node_name(other, part): name for name, other in able.items() for parts in other.parts.values() for part in parts}
    home |= {name: name for name in able}
    needs = (need for parts in component.parts.values() for part in parts if part.when(settings) for need in part.needs)
    return {home[need] for need in needs if need in home}


def _refuse_shared_ports(graph: Graph) -> None:
    taken: dict[int, str] = {}
    for node in graph.nodes.values():
        port = node.part.port if isinstance(node.part, Service) else None
        if port is not None and taken.setdefault(port, node.name) != node.name:
            raise PortShared(port, taken[port], node.name)


def _nearest(name: str, known: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(name, sorted(known), n=1)), None)
