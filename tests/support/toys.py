"""Minimal components, steps and graphs."""

from collections.abc import Collection, Mapping
from typing import Any

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.probe import HttpProbe
from novaflow.model.service import Part, Service
from novaflow.model.step import ConcurrencyPool, Step
from novaflow.plan.graph import Graph, Node


async def do_nothing(_: Context) -> None:
    """Do nothing."""


def a_step(name: str, *, needs: tuple[str, ...] = (), **others: Any) -> Step:
    """Return a step that does nothing."""
    return Step(name, do_nothing, within_s=1, needs=needs, **others)


def a_service(name: str, *, needs: tuple[str, ...] = (), **others: Any) -> Service:
    """Return a service that is never started."""
    return Service(name, f"The {name}.", lambda _: (name,), HttpProbe(80), needs=needs, **others)


def a_component(name: str, *parts: Part, workflow: str = "run", **others: Any) -> Component:
    """Return a component with ``parts`` in one workflow."""
    return Component(name, f"The {name}.", {workflow: parts}, **others)


def graph_of(
    needs: Mapping[str, Collection[str]],
    *,
    services: Collection[str] = (),
    pools: Mapping[str, ConcurrencyPool] | None = None,
    **of_services: Any,
) -> Graph:
    """Return a graph; ``needs`` maps node names to the names they need, ``of_services`` are fields of each service."""
    make = {name: a_service if name in services else a_step for name in needs}
    parts = {
        name: make[name](name, pool=(pools or {}).get(name, ConcurrencyPool.FREE), **(of_services if name in services else {}))
        for name in needs
    }
    return Graph("run", {name: Node(name, name.partition(".")[0], parts[name], frozenset(them)) for name, them in needs.items()})
