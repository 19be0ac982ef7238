"""Compiles components into the graph of a workflow."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches

from novaflow.errors import ComponentUnknown, DuplicateName, NeedUnknown, PortConflict, UsageError
from novaflow.model.component import Component
from novaflow.model.service import Part, Service
from novaflow.model.settings import Settings
from novaflow.model.step import EVERYTHING
from novaflow.plan.graph import Graph, Node

DEFAULT = "default"  # the name in NOVAFLOW_SERVICES that stands for all components that run by default


def select_components(components: Collection[Component], names: Collection[str], settings: Settings) -> tuple[Component, ...]:
    """Return the named components, the components that these need, and those that support them.

    ``DEFAULT`` in ``names``, or no name at all, stands for every component that runs by default. A component without
    services supports others: it is selected if all its needs are. One of ``every_stack`` is selected, and one that the settings
    disable never is.

    Raises: ComponentUnknown.
    """
    enabled = {component.name: component for component in components if component.when(settings)}
    default = [name for name, component in enabled.items() if component.default]
    pending = [resolve_name(name, components) for name in names if name != DEFAULT]
    if not names or DEFAULT in names:
        pending += default
    pending += [name for name, component in enabled.items() if component.every_stack]
    needs = {name: _needed_components(component, enabled, settings) for name, component in enabled.items()}
    selected: set[str] = set()
    while pending:
        name = pending.pop()
        if name in enabled and name not in selected:
            selected.add(name)
            pending.extend(needs[name])
    supporting = {name for name in default if not _has_service(enabled[name])}
    # Repeated until nothing changes: one of them may need another.
    while added := {name for name in supporting - selected if needs[name] <= selected | {name}}:
        selected |= added
    return tuple(component for name, component in enabled.items() if name in selected)


def resolve_name(name: str, components: Iterable[Component]) -> str:
    """Return the name of the component that has this name or alias.

    Raises: ComponentUnknown, with the closest name.
    """
    known = _names_and_aliases(components)
    if name not in known:
        raise ComponentUnknown(name, _closest(name, known))
    return known[name]


def find_services(name: str, graph: Graph, components: Collection[Component]) -> tuple[str, ...]:
    """Return the services of the component that has this name or alias, or the service of this name.

    Raises: ComponentUnknown, with the closest name; UsageError, if the component has no service in the graph.
    """
    known = _names_and_aliases(components)
    services = {node.name: node.component for node in graph.nodes.values() if node.is_service}
    if name not in known and name not in services:
        raise ComponentUnknown(name, _closest(name, {*known, *services}))
    found = tuple(service for service, component in services.items() if component == known.get(name)) or (name,)
    if not set(found) <= set(services):
        raise UsageError(f"component {name} has no service; the services are: {', '.join(services)}")
    return found


def compile_graph(workflow: str, components: Iterable[Component], settings: Settings) -> Graph:
    """Return the graph of all parts that the components contribute to the workflow.

    Raises: DuplicateName, NeedUnknown, PortConflict, DependencyCycle.
    """
    components = tuple(components)
    nodes: dict[str, Node] = {}
    for node in (node for component in components for node in _make_nodes(component, workflow, settings)):
        if nodes.setdefault(node.name, node) is not node:
            raise DuplicateName(node.name, nodes[node.name].component, node.component)
    _check_ports(nodes.values())
    resolver = _NeedResolver(nodes, components)
    return Graph(workflow, {name: Node(name, node.component, node.part, resolver.resolve(node)) for name, node in nodes.items()})


class _NeedResolver:
    """Finds the nodes that needs name: a node, all nodes of a component, or ``EVERYTHING``."""

    def __init__(self, nodes: Mapping[str, Node], components: Collection[Component]) -> None:
        self._nodes = nodes
        # Nodes that need everything do not count as part of everything, nor of their component.
        last = {node.name for node in nodes.values() if EVERYTHING in node.part.needs}
        self._everything = nodes.keys() - last
        self._members: dict[str, set[str]] = {component.name: set() for component in components}
        for name in self._everything:
            self._members[nodes[name].component].add(name)
        # Parts of other workflows too: a need on one of these is already met.
        self._known = self._members.keys() | {_node_name(component, part) for component in components for part in _all_parts(component)}

    def resolve(self, node: Node) -> frozenset[str]:
        """Return the names of the nodes that this node needs.

        Raises: NeedUnknown.
        """
        found: set[str] = set()
        for need in (*node.part.needs, *node.part.after):
            if need in node.part.needs and need not in self._known and need != EVERYTHING:
                raise NeedUnknown(node.name, need, _closest(need, self._known))
            found |= self._find(need)
        return frozenset(found)

    def _find(self, need: str) -> set[str]:
        if need == EVERYTHING:
            return self._everything
        return {need} if need in self._nodes else self._members.get(need, set())


def _make_nodes(component: Component, workflow: str, settings: Settings) -> Iterator[Node]:
    for part in component.parts.get(workflow, ()):
        if part.when(settings):
            yield Node(_node_name(component, part), component.name, _multiply_times(part, settings.timeout_factor))


def _multiply_times(part: Part, factor: float) -> Part:
    """Return the part with more time: a slow machine is slow to start a service, to answer its checks and to stop it."""
    if isinstance(part, Service):
        liveness = replace(part.liveness, timeout_s=part.liveness.timeout_s * factor)
        return replace(part, within_s=part.within_s * factor, grace_s=part.grace_s * factor, liveness=liveness)
    return replace(part, within_s=part.within_s * factor)


def _node_name(component: Component, part: Part) -> str:
    return part.name if isinstance(part, Service) else f"{component.name}.{part.name}"


def _all_parts(component: Component) -> Iterator[Part]:
    return (part for parts in component.parts.values() for part in parts)


def _has_service(component: Component) -> bool:
    return any(isinstance(part, Service) for part in _all_parts(component))


def _names_and_aliases(components: Iterable[Component]) -> Mapping[str, str]:
    return {alias: component.name for component in components for alias in (component.name, *component.aliases)}


def _needed_components(component: Component, enabled: Mapping[str, Component], settings: Settings) -> set[str]:
    component_of = {_node_name(other, part): name for name, other in enabled.items() for part in _all_parts(other)}
    component_of |= {name: name for name in enabled}
    needs = (need for part in _all_parts(component) if part.when(settings) for need in part.needs)
    return {component_of[need] for need in needs if need in component_of}


def _check_ports(nodes: Iterable[Node]) -> None:
    service_of: dict[int, str] = {}
    for node in nodes:
        port = node.part.port if isinstance(node.part, Service) else None
        if port is not None and service_of.setdefault(port, node.name) != node.name:
            raise PortConflict(port, service_of[port], node.name)


def _closest(name: str, known: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(name, sorted(known), n=1)), None)
