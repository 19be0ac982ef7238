"""Finds the workflows and components in folders: each is a constant of a module."""

import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from novaflow.errors import ComponentBroken, NovaflowError
from novaflow.model.component import Component
from novaflow.model.workflow import Workflow
from novaflow.settings import Allowed, CoreSettings, SettingsGroup, require_trusted, require_trusted_tree

T = TypeVar("T", Component, Workflow)
MOST_MODULES = 2000  # ten times those of novaflow: a folder such as / is not searched to its end
_DEFINITION = re.compile(r"^(COMPONENT|WORKFLOW) = ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class DiscoveredModules:
    """The components and workflows of all folders; ``workflows`` are by name."""

    components: tuple[Component, ...]
    workflows: dict[str, Workflow]

    @property
    def settings(self) -> tuple[type[SettingsGroup], ...]:
        """Return the classes of settings that the components declare, each once."""
        groups = dict.fromkeys(group for component in self.components for group in component.settings)
        return tuple(group for group in groups if issubclass(group, SettingsGroup))


def find_components(workflows: Path, *others: Path) -> DiscoveredModules:
    """Load every module of the folders and their subfolders that defines ``WORKFLOW`` or ``COMPONENT``.

    ``workflows`` is NOVAFLOW_WORKFLOWS, ``others`` are the folders of NOVAFLOW_COMPONENTS_PATH. A module that defines neither constant
    is a helper of other modules and is not loaded here.

    Raises: NotTrusted, if another user can change a folder or anything in it; ComponentBroken, if a folder does not exist or has
    no component, a module cannot be loaded, its constant has the wrong type, or two of them define the same component, workflow or
    setting.
    """
    components: list[tuple[Path, Component]] = []
    found: list[tuple[Path, Workflow]] = []
    folders = {workflows.resolve(): "NOVAFLOW_WORKFLOWS"}
    for folder in map(Path.resolve, others):
        folders.setdefault(folder, "NOVAFLOW_COMPONENTS_PATH")
    for folder, setting in folders.items():
        _require_folder(folder, setting)
        require_trusted(folder.parent)  # Python looks for modules in it
        defined = _find_definitions(folder, setting)
        require_trusted_tree(folder)  # before anything of it is executed
        # After all others: a folder of components must not hide modules of Python and of novaflow.
        sys.path += [parent for parent in (str(folder.parent),) if parent not in sys.path]
        components += [(path, _load(path, folder, name, Component)) for path, name in defined if name == "COMPONENT"]
        found += [(path, _load(path, folder, name, Workflow)) for path, name in defined if name == "WORKFLOW"]
    _refuse_duplicates((path, f"component {name!r}", one) for path, one in components for name in (one.name, *one.aliases))
    _refuse_duplicates((path, f"workflow {one.name!r}", one) for path, one in found)
    _refuse_duplicates([*_list_settings(components)])
    return DiscoveredModules(tuple(sorted((one for _, one in components), key=lambda one: one.name)), {one.name: one for _, one in found})


def _require_folder(folder: Path, setting: str) -> None:
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        raise ComponentBroken(folder, f"this folder of {setting} {problem}; create it or change {setting}")


def _find_definitions(folder: Path, setting: str) -> list[tuple[Path, str]]:
    """Return the modules of a folder that define a constant, and the name of the constant."""
    try:
        paths = sorted(islice(folder.rglob("*.py"), MOST_MODULES + 1))
        visible = [path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
        texts = [(path, path.read_text(encoding="utf-8", errors="replace")) for path in visible]
    except OSError as error:
        reason = f"cannot be read: {error.filename}: {(error.strerror or '').lower()}"
        raise ComponentBroken(folder, f"this folder of {setting} {reason}; change {setting}") from error
    if len(paths) > MOST_MODULES:
        raise ComponentBroken(folder, f"this folder of {setting} has more than {MOST_MODULES} modules; name the folder of the components")
    defined = [(path, name) for path, text in texts for name in _DEFINITION.findall(text)]
    if all(name != "COMPONENT" for _, name in defined):
        raise ComponentBroken(folder, f"no module in this folder of {setting} defines COMPONENT; add one or change {setting}")
    return defined


def _load(path: Path, root: Path, constant: str, expected: type[T]) -> T:
    value = getattr(_import(path, root), constant, None)
    if not isinstance(value, expected):
        raise ComponentBroken(path, f"{constant} must be a {expected.__name__}, found {value!r}")
    return value


def _import(path: Path, root: Path) -> ModuleType:
    name = ".".join((root.name, *path.relative_to(root).with_suffix("").parts))
    try:
        module = importlib.import_module(name)
    except SyntaxError as error:
        # It may be in a module that this one imports.
        raise ComponentBroken(Path(error.filename or path), f"line {error.lineno}: {error.msg}") from error
    except NovaflowError:
        raise
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise _hidden(path, root) from error
        raise ComponentBroken(path, f"the module cannot be loaded: {type(error).__name__}: {error}") from error
    if Path(module.__file__ or "") != path:
        raise _hidden(path, root)
    return module


def _hidden(path: Path, root: Path) -> ComponentBroken:
    return ComponentBroken(path, f"Python finds another package named {root.name!r} first; rename the folder {root}")


def _list_settings(components: Iterable[tuple[Path, Component]]) -> Iterator[tuple[Path, str, object]]:
    """Yield each setting of novaflow and of the components, with the module and the class that define it."""
    groups: list[tuple[Path, type]] = [(Path(inspect.getfile(CoreSettings)), CoreSettings)]
    groups += [(path, group) for path, component in components for group in component.settings]
    for path, group in groups:
        if not issubclass(group, SettingsGroup):
            raise ComponentBroken(path, f"{group.__name__} is not a SettingsGroup")
        for field, info in group.model_fields.items():
            if not any(isinstance(one, Allowed) for one in info.metadata):
                raise ComponentBroken(path, f"setting {field.upper()} does not name its values; annotate it with Allowed(...)")
            yield path, f"setting {field.upper()}", group


def _refuse_duplicates(named: Iterable[tuple[Path, str, object]]) -> None:
    """Return if no name has two owners; ``named`` are the module, the name and its owner."""
    first: dict[str, tuple[Path, object]] = {}
    for path, name, owner in named:
        other, known = first.setdefault(name, (path, owner))
        if known is not owner:
            raise ComponentBroken(path, f"{name} is also defined in {other}; rename one of them")
