"""The platform port: what differs between the releases of Linux distributions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from novaflow.errors import MachineError
from novaflow.model.context import Context
from novaflow.model.software import Software
from novaflow.model.step import Skipped
from workflows.platform.system_packages import SystemPackages, UnpackedPackages


class PackageManager(Protocol):
    """Installs and unpacks the packages of a distribution."""

    async def install(self, ctx: Context, names: tuple[str, ...]) -> Skipped | str:
        """Install the missing packages in one transaction, and do not start their services.

        Raises: MachineError, if the packages cannot be downloaded, the lock is not released, or the disk is full.
        """
        ...

    async def unpack(self, ctx: Context, names: tuple[str, ...], folder: Path) -> None:
        """Download packages and unpack them into a new folder, without installing them.

        Raises: MachineError, if a package cannot be downloaded.
        """
        ...

    def find_software(self, names: tuple[str, ...], os_release: Mapping[str, str]) -> Iterator[Software]:
        """Yield those of the packages that are installed; ``os_release`` has the fields of os-release(5)."""
        ...

    async def download(self, ctx: Context, names: Sequence[str], alone: Sequence[str], folder: Path) -> None:
        """Download packages into a new folder, which is then a repository of packages.

        With ``names`` comes all that they need on an empty system, with ``alone`` nothing else.

        Raises: MachineError, if a package cannot be downloaded.
        """
        ...

    async def find_dependencies(self, ctx: Context, name: str, prefixes: tuple[str, ...]) -> Sequence[str]:
        """Return the packages that a metapackage needs, and those that these need, whose names have one of the prefixes.

        Raises: MachineError, if there is none.
        """
        ...


@dataclass(frozen=True, slots=True)
class Distribution:
    """A release of a distribution.

    ``family_names`` reads the names of packages that the release shares with its family. ``package_names`` maps a shared name
    to the names in this release, where one package may have been split; to none if the release lacks the package.
    ``names_by_processor`` has further ones for kinds of processors, by their names in uname(2). ``paths`` maps the name of a file or
    folder, as components use it, to its path. A release that differs from another is a copy with other entries.
    """

    name: str
    manager: PackageManager
    family_names: Callable[[SystemPackages], tuple[str, ...]]
    paths: Mapping[str, Path]
    package_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    names_by_processor: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    @property
    def missing_packages(self) -> tuple[str, ...]:
        """Return the packages that the release is known to lack, by the names of the family."""
        return tuple(name for name, known in self.package_names.items() if not known)

    def path(self, name: str) -> Path:
        """Return the path of a file or folder.

        Raises: MachineError, if the release does not have it.
        """
        if name not in self.paths:
            raise MachineError(f"{self.name} has no {name}; add its path to workflows/platform")
        return self.paths[name]

    def unpacked_path(self, folder: Path, name: str) -> Path:
        """Return the path of a file or folder in a package that was unpacked into ``folder``.

        Raises: MachineError, if the release does not have it.
        """
        return folder / self.path(name).relative_to("/")

    def resolve(self, *declared: SystemPackages) -> tuple[str, ...]:
        """Return the names of the packages in this release, each once.

        Raises: MachineError, naming the packages that the release lacks.
        """
        wanted = dict.fromkeys(name for packages in declared for name in self.family_names(packages))
        if missing := [name for name in self.missing_packages if name in wanted]:
            message = f"{self.name} has no package {', '.join(missing)}; set NOVAFLOW_SERVICES without the components that need it"
            raise MachineError(message)
        return tuple(known for name in wanted for known in self.package_names.get(name, (name,)))

    async def install(self, ctx: Context, *declared: SystemPackages) -> Skipped | str:
        """Install these packages; see ``PackageManager.install``.

        Raises: MachineError, also if the release lacks one of them.
        """
        return await self.manager.install(ctx, self.resolve(*declared))

    async def find_unpacked(self, ctx: Context, declared: UnpackedPackages) -> tuple[str, ...]:
        """Return the packages that are unpacked.

        Raises: MachineError, if the release lacks one of them.
        """
        names = self.resolve(declared.packages)
        return tuple(await self.manager.find_dependencies(ctx, names[0], declared.prefixes)) if declared.prefixes else names

    async def unpack(self, ctx: Context, declared: UnpackedPackages, folder: Path) -> str:
        """Unpack these packages into a new folder, and return their names; see ``PackageManager.unpack``.

        Raises: MachineError, also if the release lacks one of them.
        """
        names = await self.find_unpacked(ctx, declared)
        await self.manager.unpack(ctx, names, folder)
        return ", ".join(names)
