"""Completion of names: services, workflows and settings."""

from collections.abc import Iterable
from pathlib import Path

import click

from novaflow.errors import NovaflowError
from novaflow.runtime.stack import Stack, open_stack


def complete_service(context: click.Context, _: click.Parameter, prefix: str) -> list[str]:
    """Return the names of services and of their components, with aliases, that begin with ``prefix``."""
    stack = _open_stack(context)
    return _filter(stack.service_names() if stack else (), prefix)


def complete_workflow(context: click.Context, _: click.Parameter, prefix: str) -> list[str]:
    """Return the names of workflows that begin with ``prefix``."""
    stack = _open_stack(context)
    return _filter(stack.found.workflows if stack else (), prefix)


def complete_setting(context: click.Context, _: click.Parameter, prefix: str) -> list[str]:
    """Return the names of settings that begin with ``prefix``, each with an equals sign."""
    stack = _open_stack(context)
    return [f"{name}=" for name in _filter(stack.loaded.origins if stack else (), prefix)]


def _open_stack(context: click.Context) -> Stack | None:
    """Return the stack the command line names; ``None`` if it cannot be loaded, since completion cannot show errors."""
    try:
        return open_stack(Path(context.params.get("folder") or "nova"), {})
    except NovaflowError:
        return None


def _filter(names: Iterable[str], prefix: str) -> list[str]:
    return sorted({name for name in names if name.startswith(prefix)})
