"""The system packages that a component declares."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SystemPackages:
    """System packages by the names that each family of distributions has for them.

    A component declares those to install. The name in a single release may differ: see ``Distribution.package_names``.
    """

    debian: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnpackedPackages:
    """System packages that a component downloads and unpacks, without installing them.

    If there is a ``prefix``, the package is a metapackage, and the one that it depends on whose name has the prefix is unpacked.
    """

    packages: SystemPackages
    prefix: str = ""
