"""Names that a shell completes: of services and of workflows."""

from collections.abc import Iterable
from pathlib import Path

import click

from novaflow.errors import NovaflowError
from novaflow.model.service import Service
from novaflow.runtime.stack import Stack, open_stack


def complete_service(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Return the names of services that begin so: today's, their components', and nova.sh's."""
    try:
        components = _open(context).components
    except NovaflowError:  # a shell has no place for messages
        return []
    names = list[str]()
    for component in components:
        if services := [part.name for part in component.parts.get("run", ()) if isinstance(part, Service)]:
            names += [component.name, *component.aliases, *services]
    return _beginning(names, begun)


def complete_workflow(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Return the names of workflows that begin so."""
    try:
        return _beginning(_open(context).found.workflows, begun)
    except NovaflowError:
        return []


def _open(context: click.Context) -> Stack:
    return open_stack(Path(context.params.get("folder") or "nova"), {})


def _beginning(names: Iterable[str], begun: str) -> list[str]:
    return sorted({name for name in names if name.startswith(begun)})
