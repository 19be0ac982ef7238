"""A stack: its folder, its settings and its components."""

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from novaflow.adapters.control.client import ANSWER_WITHIN_S
from novaflow.adapters.storage import DiscoveredModules, find_components
from novaflow.errors import UsageError
from novaflow.model.component import Component
from novaflow.model.paths import Paths
from novaflow.model.service import Service
from novaflow.model.settings import Settings
from novaflow.model.workflow import Workflow
from novaflow.plan.compile import compile_graph, find_services, select_components
from novaflow.plan.graph import Graph
from novaflow.settings import CoreSettings, LoadedSettings, find_group, is_closed, load_component_folders, load_settings, require_trusted


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack, with everything known about it before anything runs."""

    paths: Paths
    loaded: LoadedSettings
    found: DiscoveredModules
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

    @property
    def group(self) -> int | None:
        """Return the id of NOVAFLOW_GROUP; ``None`` if it is not set or does not exist."""
        return find_group(self.settings.of(CoreSettings).novaflow_group)

    @property
    def answer_within_s(self) -> float:
        """Return how long the supervisor has to answer, in seconds."""
        return ANSWER_WITHIN_S * self.settings.timeout_factor

    @property
    def publish_cursor(self) -> Path:
        """Return the file that holds the sequence number of the last published event."""
        return self.paths.data / "published"

    def workflow(self, name: str) -> Workflow:
        """Return the workflow of that name.

        Raises: UsageError, if there is none.
        """
        if name not in self.found.workflows:
            hint = "; DIR is the argument after it" if "/" in name else ""
            message = f"there is no workflow {name!r}; there are: {', '.join(self.found.workflows)}{hint}"
            raise UsageError(message)
        return self.found.workflows[name]

    def urls(self) -> dict[str, str]:
        """Return the addresses that users connect to, by name."""
        return {name: url for component in self.components for name, url in component.urls(self.settings).items()}

    def graph(self, name: str) -> Graph:
        """Return the graph of that workflow.

        Raises: UsageError, if there is no such workflow; WorkflowError, if its parts do not fit together.
        """
        return compile_graph(self.workflow(name).name, self.components, self.settings)

    def find_services(self, name: str) -> tuple[str, ...]:
        """Return the services of `run` with that name, or of the component with that name or alias.

        Raises: ComponentUnknown; UsageError, if the component has no services.
        """
        return find_services(name, self.graph("run"), self.components)

    def service_names(self) -> set[str]:
        """Return every name that `find_services` accepts."""
        names = set[str]()
        for component in self.components:
            if services := [part.name for part in component.parts.get("run", ()) if isinstance(part, Service)]:
                names |= {component.name, *component.aliases, *services}
        return names


def open_stack(
    folder: Path,
    overrides: Mapping[str, str],
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    for_group: bool = False,
) -> Stack:
    """Return the stack in ``folder``, which need not exist; ``overrides`` are settings by name.

    ``environ`` and ``cwd`` are where settings are read from; they default to the process's. ``for_group`` opens it for members of
    NOVAFLOW_GROUP too, without the settings in its folder.

    Raises: UsageError, if the path cannot be resolved; NotTrusted, if another user can change the folder; PermissionError, if
    this user may not read its settings; SettingsInvalid; ComponentBroken; ComponentUnknown.
    """
    paths = Paths(_resolve(folder))
    require_trusted(folder.expanduser())  # with the links on the way, which are resolved in `paths`
    require_trusted(paths.credentials)
    env = paths.root / ".env"
    if not for_group and is_closed(env):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(env))
    workflows, others = load_component_folders(paths.root, overrides=overrides, environ=environ, cwd=cwd)
    found = find_components(workflows, *others)
    loaded = load_settings(paths.root, found.settings, overrides=overrides, environ=environ, cwd=cwd)
    components = select_components(found.components, loaded.settings.of(CoreSettings).novaflow_services, loaded.settings)
    return Stack(paths, loaded, found, components, overrides)


def _resolve(folder: Path) -> Path:
    try:
        return folder.expanduser().resolve()
    except FileNotFoundError as error:
        raise UsageError("the current folder has been deleted; change to another one, or name the whole path of DIR") from error
    except (OSError, RuntimeError) as error:  # a loop of links, or a user without a home folder
        raise UsageError(f"{folder} cannot be the folder of a stack: {str(error).rstrip('.').lower()}") from error
