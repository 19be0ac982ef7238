"""Finds workflows and components: one file each, loaded from a folder."""

import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from novaflow.errors import ComponentBroken, NovaflowError
from novaflow.model.component import Component
from novaflow.model.workflow import Workflow
from novaflow.settings import SettingsGroup

T = TypeVar("T", Component, Workflow)
_DEFINITION = re.compile(r"^(COMPONENT|WORKFLOW) = ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder of workflows holds, by name."""

    components: tuple[Component, ...]
    workflows: dict[str, Workflow]

    @property
    def settings(self) -> tuple[type[SettingsGroup], ...]:
        """Return the classes of settings that the components declare, each once."""
        groups = dict.fromkeys(group for component in self.components for group in component.settings)
        return tuple(group for group in groups if issubclass(group, SettingsGroup))


def find_components(*folders: Path) -> Found:
    """Load every module of the folders and their subfolders that defines ``WORKFLOW`` or ``COMPONENT``.

    A module that defines neither is a helper of the others and is not loaded here.

    Raises: ComponentBroken, if a folder has no component, a module cannot be loaded, or its value has the wrong type.
    """
    components: list[Component] = []
    workflows: list[Workflow] = []
    for folder in map(Path.resolve, folders):
        defined = [*_find_definitions(folder)]
        if all(name != "COMPONENT" for _, name in defined):
            raise ComponentBroken(folder, "no module in this folder defines COMPONENT")
        # Behind all others: a folder of components must not hide a module of Python's or of novaflow's.
        sys.path += [parent for parent in (str(folder.parent),) if parent not in sys.path]
        components += [_load(path, folder, name, Component) for path, name in defined if name == "COMPONENT"]
        workflows += [_load(path, folder, name, Workflow) for path, name in defined if name == "WORKFLOW"]
    return Found(tuple(sorted(components, key=lambda one: one.name)), {workflow.name: workflow for workflow in workflows})


def _find_definitions(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*.py")):
        for name in _DEFINITION.findall(path.read_text(errors="replace")):
            yield path, name


def _load(path: Path, root: Path, constant: str, expected: type[T]) -> T:
    value = getattr(_import(path, root), constant, None)
    if not isinstance(value, expected):
        raise ComponentBroken(path, f"it must hold a {expected.__name__} called {constant}, found {value!r}")
    return value


def _import(path: Path, root: Path) -> ModuleType:
    name = ".".join((root.name, *path.relative_to(root).with_suffix("").parts))
    try:
        module = importlib.import_module(name)
    except SyntaxError as error:
        # It may stand in a file that this one imports.
        raise ComponentBroken(Path(error.filename or path), f"line {error.lineno}: {error.msg}") from error
    except NovaflowError:
        raise
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise ComponentBroken(path, f"Python finds another package {root.name!r}; put an __init__.py into {root}") from error
        raise ComponentBroken(path, f"it cannot be loaded: {type(error).__name__}: {error}") from error
    found = Path(module.__file__ or "")
    if found != path:
        raise ComponentBroken(path, f"Python finds another one, {found}; put an __init__.py into {root}")
    return module
