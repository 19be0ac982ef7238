"""Finds workflows and components: one file each, loaded from a folder."""

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from novaflow.errors import ComponentBroken, NovaflowError
from novaflow.model.component import Component, Workflow

T = TypeVar("T", Component, Workflow)


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder of workflows holds, by name."""

    components: tuple[Component, ...]
    workflows: dict[str, Workflow]


def find_components(folder: Path) -> Found:
    """Load every ``NAME.py`` of the folder (its ``WORKFLOW``) and of its ``components/`` (its ``COMPONENT``).

    Raises: ComponentBroken, if one cannot be loaded, lacks its value, or is named otherwise than its file.
    """
    folder = folder.resolve()
    if not (folder / "components").is_dir():
        raise ComponentBroken(folder, "there is no folder `components` in it")
    if str(folder.parent) not in sys.path:
        sys.path.insert(0, str(folder.parent))
    workflows = {workflow.name: workflow for path in _modules(folder) for workflow in [_load(path, folder, "WORKFLOW", Workflow)]}
    components = tuple(_load(path, folder, "COMPONENT", Component) for path in _modules(folder / "components"))
    return Found(components, workflows)


def _modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))


def _load(path: Path, root: Path, constant: str, expected: type[T]) -> T:
    value = getattr(_import(path, root), constant, None)
    if not isinstance(value, expected):
        raise ComponentBroken(path, f"it must hold a {expected.__name__} called {constant}, found {value!r}")
    if value.name != path.stem.replace("_", "-"):
        raise ComponentBroken(path, f"its {constant} is named {value.name!r}; name it {path.stem.replace('_', '-')!r}, like the file")
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
