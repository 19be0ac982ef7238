"""Finds workflows and components: one file each, loaded from a folder."""

import importlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from novaflow.errors import ComponentBroken, NovaflowError
from novaflow.model.component import Component
from novaflow.model.workflow import Workflow

T = TypeVar("T", Component, Workflow)
_DEFINITION = re.compile(r"^(COMPONENT|WORKFLOW) = ", re.MULTILINE)  # a module without either is a helper


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder of workflows holds, by name."""

    components: tuple[Component, ...]
    workflows: dict[str, Workflow]


def find_components(folder: Path) -> Found:
    """Load every module of the folder and its subfolders that defines ``WORKFLOW`` or ``COMPONENT``.

    Raises: ComponentBroken, if a module cannot be loaded, or its value has the wrong type.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise ComponentBroken(folder, "expected a folder of workflows, found none")
    if str(folder.parent) not in sys.path:
        sys.path.insert(0, str(folder.parent))
    defined = {path: {*_DEFINITION.findall(path.read_text(errors="replace"))} for path in sorted(folder.rglob("*.py"))}
    workflows = [_load(path, folder, "WORKFLOW", Workflow) for path, names in defined.items() if "WORKFLOW" in names]
    components = [_load(path, folder, "COMPONENT", Component) for path, names in defined.items() if "COMPONENT" in names]
    if not components:
        raise ComponentBroken(folder, "no module below it defines COMPONENT")
    return Found(tuple(sorted(components, key=lambda one: one.name)), {workflow.name: workflow for workflow in workflows})


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
