"""The Python packages that components declare."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PythonPackages:
    """Requirements whose versions are resolved together with those of all other components of this repository.

    ``python -m tools.constraints`` writes the result to ``workflows/constraints/openstack.txt``, and every stack installs it.
    Components of other repositories declare ``PythonRequirements``.
    """

    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PythonRequirements:
    """A requirements file, with versions and hashes, that is installed only if the component is part of the stack.

    ``environment`` is the name of the virtual environment, a folder below that of the stack. Versions in the default environment
    must agree with the common constraints, whose packages are not repeated in the file. ``python -m tools.constraints`` writes
    the file from the file of the same name that ends with ``.in``.
    """

    file: Path
    environment: str = "venv"


@dataclass(frozen=True, slots=True)
class PythonModule:
    """A module that is installed into every virtual environment of the stack.

    ``entry_points`` is the text of its entry_points.txt, through which other packages find it.
    """

    name: str
    source: Path
    entry_points: str
