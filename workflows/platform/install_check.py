"""A check of the installation that a component needs before `run`."""

from collections.abc import Callable
from dataclasses import dataclass

from novaflow.model.component import Component
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings


@dataclass(frozen=True, slots=True)
class InstallCheck:
    """Returns whether the installation is complete, from the settings, the paths and the components of the stack."""

    is_complete: Callable[[Settings, Paths, tuple[Component, ...]], bool]
