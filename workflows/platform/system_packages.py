"""The system packages that a component declares."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SystemPackages:
    """Packages to install, by the names that each family of distributions has for them."""

    debian: tuple[str, ...]
