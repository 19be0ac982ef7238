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

    If there are ``prefixes``, the package is a metapackage, and those that it needs whose names have one of the prefixes are unpacked.
    """

    packages: SystemPackages
    prefixes: tuple[str, ...] = ()
