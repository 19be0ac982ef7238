"""Software that a stack has on the machine, as its bill of materials lists it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from novaflow.model.component import Component
from novaflow.model.paths import Paths


@dataclass(frozen=True, slots=True)
class Software:
    """One installed package.

    ``environment`` is what it is installed in: the name of a folder of the stack, or of the system's package manager. ``purl`` is
    its package URL; it is empty for a package that no registry has, and ``source`` may then say where it comes from. ``licence`` is
    an SPDX expression if ``is_expression``, else any text; empty if the package does not name it.
    """

    name: str
    version: str
    environment: str
    purl: str = ""
    licence: str = ""
    is_expression: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class SoftwareSource:
    """A component declares it for each kind of package; ``find`` returns the installed ones of a stack with these components."""

    find: Callable[[tuple[Component, ...], Paths], Iterable[Software]]
