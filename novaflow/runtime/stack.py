"""A stack as the command line names it: its folder, its settings, its components."""

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from novaflow.adapters.storage.discovery import Found, find_components
from novaflow.errors import NovaflowError, UsageError
from novaflow.model.component import Component
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from novaflow.model.workflow import Workflow
from novaflow.plan.compile import compile_graph, find_services, select_components
from novaflow.plan.graph import Graph
from novaflow.settings import CoreSettings, Loaded, load_component_folders, load_settings


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack, with everything that is known before anything runs."""

    paths: Paths
    loaded: Loaded
    found: Found
    components: tuple[Component, ...]
    overrides: Mapping[str, str]

    @property
    def settings(self) -> Settings:
        """Return the effective settings."""
        return self.loaded.settings

    @property
    def name(self) -> str:
        """Return the stack's name: that of its folder."""
        return self.paths.root.name

    @property
    def source(self) -> str:
        """Return the source of the stack's events."""
        return f"/novaflow/{os.uname().nodename}/{self.name}"

    def workflow(self, name: str) -> Workflow:
        """Return the workflow of that name.

        Raises: UsageError, if there is none.
        """
        if name not in self.found.workflows:
            hint = "; DIR comes after it" if "/" in name else ""
            message = f"there is no workflow {name!r}; there are: {', '.join(self.found.workflows)}{hint}"
            raise UsageError(message)
        return self.found.workflows[name]

    def urls(self) -> dict[str, str]:
        """Return where users reach what runs, by the name of the address."""
        return {name: url for component in self.components for name, url in component.urls(self.settings).items()}

    def graph(self, name: str) -> Graph:
        """Return the graph of that workflow.

        Raises: UsageError, if there is no such workflow; WorkflowError, if its parts do not fit together.
        """
        return compile_graph(self.workflow(name).name, self.components, self.settings)

    def find_services(self, name: str) -> tuple[str, ...]:
        """Return the services of `run` that are meant by the name of a component, of a service, or one of nova.sh's.

        Raises: ComponentUnknown; UsageError, if it is a component that runs none.
        """
        return find_services(name, self.graph("run"), self.components)


def open_stack(folder: Path, overrides: Mapping[str, str]) -> Stack:
    """Return the stack in ``folder``, which need not exist yet.

    Raises: SettingsInvalid; ComponentBroken; ComponentUnknown.
    """
    paths = Paths(folder.expanduser().resolve())
    workflows, others = load_component_folders(paths.root, overrides=overrides)
    found = find_components(workflows, *others)
    loaded = load_settings(paths.root, found.settings, overrides=overrides)
    components = select_components(found.components, loaded.settings.of(CoreSettings).novaflow_services, loaded.settings)
    return Stack(paths, loaded, found, components, overrides)


def stack_arguments(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the arguments every command has: ``DIR`` and ``--set``; it is called with ``stack``."""

    @click.argument("folder", metavar="[DIR]", default="nova", type=click.Path(file_okay=False, path_type=Path))
    @click.option(
        "--set",
        "overrides",
        metavar="NAME=VALUE",
        multiple=True,
        shell_complete=_complete_setting,
        help="A setting for this time only; wins over .env.",
    )
    @functools.wraps(command)
    def open_and_call(folder: Path, overrides: tuple[str, ...], **others: object) -> None:
        command(stack=open_stack(folder, dict(_split(text) for text in overrides)), **others)

    return open_and_call


def _complete_setting(context: click.Context, _: click.Parameter, prefix: str) -> list[str]:
    try:
        names = open_stack(Path(context.params.get("folder") or "nova"), {}).loaded.origins
    except NovaflowError:  # a shell has no place for messages
        return []
    return [f"{name}=" for name in names if name.startswith(prefix)]


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        message = f"--set wants NAME=VALUE, found {text!r}"
        raise UsageError(message)
    return name, value
