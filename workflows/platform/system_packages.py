"""The system packages that a component declares."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SystemPackages:
    """System packages by the names that each family of distributions has for them.

    A component declares those to install. The name in a single release may differ: see ``Distribution.package_names``.
    """

    debian: tuple[str, ...]
